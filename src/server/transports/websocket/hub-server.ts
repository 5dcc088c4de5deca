import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../../../clock.ts';
import { ZocaloError } from '../../../errors.ts';
import type { Hub } from '../../../hub/index.ts';
import { SUBPROTOCOL } from '../../../protocol/index.ts';
import {
  type Attachment,
  CONNECTION_DEFAULTS,
  Hosts,
  type Message,
  Origins,
  SERVER_DEFAULTS,
  type ServerOptions,
  type UpgradeAnswer,
  type UpgradeRequest,
  type User,
  WebSocketServer,
} from '../../../websocket/index.ts';
import { answerText } from '../../http/index.ts';
import type { AddressLimits } from '../../limits/index.ts';
import { type OnRefused, reasonOf } from '../../refusal-reasons.ts';
import { HttpSessions } from '../http/index.ts';
import { comeBack, type Traffic } from '../index.ts';
import { addressGuard, TOO_MANY } from './address-guard.ts';
import { UserWire } from './user-wire.ts';

/** Whatever the hub makes of a connection: one that speaks the protocol, or one that knows only text. */
interface Guest {
  /** A promise asks to hold the sender back until it resolves. */
  receive(text: string): Promise<void> | undefined | void;
  slow(): void;
  lost(code: number): void;
  end(code: 'SHUTTING_DOWN', message: undefined, after: number): void;
}

/** What the server keeps of a user. */
interface Place {
  readonly guest: Guest;
  /** The hub is about to be told that this user reads too slowly. */
  isSlow: boolean;
}

/** Options of the engine, but for those that the hub decides, and: */
export interface ServeOptions extends Omit<ServerOptions, 'protocols' | 'queuePolicy'> {
  /** What one client address may ask for. Default: no limits. */
  readonly addressLimits?: AddressLimits;
  /** Requests whose handler asks `addressLimits` itself. Default: none. */
  readonly asksItself?: (request: IncomingMessage) => boolean;
  /** Called for each connection, handshake and request that was refused, with the reason. */
  readonly onRefused?: OnRefused;
  /** Milliseconds over which clients are told to come back when the server closes, each at a random moment. Default 10,000. */
  readonly spread?: number;
  /** From 0 up to 1. Default `Math.random`. */
  readonly random?: () => number;
}

const DEFAULTS = {
  /** Bytes of the largest frame: sixteen publications of the largest default size. */
  maxMessage: 1024 * 1024,
  /**
   * Bytes queued above which a reader is slow, and goes back to the log, so that this may be far less than the engine's
   * default. At twice that, but not before half a MiB more than that, its connection ends with 1013.
   */
  queueLimit: 1024 * 1024,
};

/** Bytes that the hub may queue at once for one connection: a page of the log (256 KiB), its last publication, answers. */
const ONE_GO = 512 * 1024;

/** RFC 6455 §7.4.1: data of a kind that cannot be accepted. */
const UNSUPPORTED = 1003;

/**
 * A hub on WebSockets. Clients of the subprotocol `zocalo.1` speak the protocol. Those without a subprotocol are in the
 * one channel that the path of the URL names: text in, text out. Where a network blocks WebSockets, clients speak the
 * protocol by plain requests to the same addresses.
 */
export class HubServer extends WebSocketServer {
  readonly #hub: Hub;
  readonly #queueLimit: number;
  readonly #maxConnections: number;
  readonly #onRefused: OnRefused;
  /** Milliseconds over which clients are told to come back when the server closes. */
  spread: number;
  readonly #random: () => number;
  readonly #clock: Clock;
  readonly #places = new Map<User, Place>();
  readonly #sessions: HttpSessions;
  /** Bytes of those who are gone. */
  readonly #gone = { received: 0, sent: 0 };
  #removeFanOut = (): void => {};
  #isClosing = false;

  /** @throws as `WebSocketServer`. */
  constructor(hub: Hub, where: string | URL | Attachment, options: ServeOptions = {}) {
    const { addressLimits: limits, onRefused = () => {}, spread = 10_000, random = Math.random, ...rest } = options;
    const { asksItself = () => false, ...engine } = rest;
    const { clientAddress, onRequest = upgradeRequired } = engine;
    const guard = limits && addressGuard({ limits, clientAddress, asksItself, onRefused });
    const filled = { ...DEFAULTS, ...engine, ...guard };
    super(where, {
      ...filled,
      protocols: [SUBPROTOCOL],
      onRequest: (request, response) =>
        this.takeRequest(request, response) ? undefined : onRequest(request, response),
    });
    const { clock = systemClock, maxConnections = SERVER_DEFAULTS.maxConnections } = options;
    const { pingInterval, pongTimeout } = { ...CONNECTION_DEFAULTS, ...engine };
    this.#sessions = new HttpSessions({
      hub,
      clock,
      pingInterval,
      pongTimeout,
      maxMessage: filled.maxMessage,
      queueLimit: filled.queueLimit,
      hosts: new Hosts(engine.hosts),
      origins: new Origins(engine.origins),
      addressOf: (request) => clientAddress?.(request) ?? request.socket.remoteAddress ?? '',
      addressLimits: limits,
      onRefused,
      isFull: () => this.users.size + this.#sessions.size >= maxConnections,
      report: (what, cause) => this.onError(new ZocaloError('UNEXPECTED', what, { cause })),
    });
    this.#hub = hub;
    this.#queueLimit = filled.queueLimit;
    this.#maxConnections = maxConnections;
    this.#onRefused = onRefused;
    this.spread = spread;
    this.#random = random;
    this.#clock = options.clock ?? systemClock;
  }

  override async listen(): Promise<void> {
    await this.#hub.open();
    this.#removeFanOut = this.#hub.addFanOut({
      publish: (topic, { text }, except) =>
        this.publish(topic, text, except instanceof UserWire ? { except: except.user } : undefined),
    });
    this.#sessions.open();
    try {
      await super.listen();
    } catch (error) {
      this.#removeFanOut();
      this.#sessions.destroy();
      throw error;
    }
  }

  /**
   * For a server that it is attached to: answers a request of a client whose WebSocket is blocked. False: the request
   * is another one. A server that listens itself does it for each request.
   */
  takeRequest(request: IncomingMessage, response: ServerResponse): boolean {
    return this.#sessions.take(request, response);
  }

  override onUpgrade(): UpgradeAnswer {
    if (this.#isClosing) return { refuse: 503, reason: 'The server is closing', headers: { 'Retry-After': '1' } };
    if (this.users.size + this.#sessions.size < this.#maxConnections) return undefined;
    return { refuse: 503, reason: `The server is full (${this.#maxConnections})`, headers: { 'Retry-After': '10' } };
  }

  override onRefuse({ remoteAddress }: UpgradeRequest, status: number, sentence: string): void {
    if (status !== TOO_MANY) this.#onRefused(reasonOf(status), remoteAddress, sentence);
  }

  override onConnect(user: User): void {
    const wire = new UserWire(user);
    const { request } = user;
    const guest =
      user.protocol === SUBPROTOCOL
        ? this.#hub.connect(wire, request)
        : this.#hub.connectText(wire, request.path.slice(1), request);
    this.#places.set(user, { guest, isSlow: false });
  }

  override onMessage(user: User, message: Message): void {
    if (this.#isClosing) return;
    if (typeof message !== 'string') {
      user.close(UNSUPPORTED, 'send text');
      return;
    }
    const held = this.#places.get(user)?.guest.receive(message);
    if (!held) return;
    user.pause();
    void held.then(() => user.resume());
  }

  override onClose(user: User, code: number): void {
    this.#gone.received += user.bytesReceived;
    this.#gone.sent += user.bytesSent;
    this.#places.get(user)?.guest.lost(code);
    this.#places.delete(user);
  }

  /** What went over the sockets so far, and what waits. It looks at every connection. */
  get traffic(): Traffic {
    let { received, sent } = this.#gone;
    let queued = 0;
    let slow = 0;
    for (const user of this.users) {
      received += user.bytesReceived;
      sent += user.bytesSent;
      const waiting = user.bufferedAmount;
      queued += waiting;
      if (waiting > this.#queueLimit) slow++;
    }
    const others = this.#sessions.traffic;
    return {
      sockets: this.users.size + this.#sessions.size,
      received: received + others.received,
      sent: sent + others.sent,
      queued: queued + others.queued,
      slow: slow + others.slow,
    };
  }

  /**
   * A reader is slow: what is on its way is queued, so that it has all up to now, and the hub pushes no more. What it
   * asks for itself is still answered, up to twice the limit, and a page of the log always has room.
   */
  override onQueueFull(user: User): 'queue' | 'close' {
    const place = this.#places.get(user);
    if (!place || user.bufferedAmount > this.#queueLimit + Math.max(this.#queueLimit, ONE_GO)) return 'close';
    if (!place.isSlow) {
      place.isSlow = true;
      // Not from here: what the hub then does for this user would meet the same full queue.
      queueMicrotask(() => {
        place.isSlow = false;
        place.guest.slow();
      });
    }
    return 'queue';
  }

  /**
   * Stops accepting connections and reading messages, answers what was published until now, tells each client when to come
   * back, and closes gracefully, within `grace` milliseconds at most. The hub stays open.
   */
  override async close({ grace = 5_000 }: { grace?: number } = {}): Promise<void> {
    const begun = this.#clock.now();
    this.#isClosing = true;
    await this.#hub.settled(grace);
    for (const { guest } of [...this.#places.values()])
      guest.end('SHUTTING_DOWN', undefined, comeBack(this.spread, this.#random));
    const left = () => Math.max(0, grace - (this.#clock.now() - begun));
    await this.#endSessions(left());
    this.#removeFanOut();
    return super.close({ grace: left() });
  }

  /** The engine does not know of them, and would cut them off before they have taken their last event. */
  async #endSessions(grace: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const cancel = this.#clock.after(grace, late.resolve);
    await Promise.race([this.#sessions.close(this.spread, this.#random), late.promise]);
    cancel();
    this.#sessions.destroy();
  }
}

/** What answers plain requests where nothing else does, as in the engine. */
function upgradeRequired(_: IncomingMessage, response: ServerResponse): void {
  const headers = { Upgrade: 'websocket', Connection: 'Upgrade' };
  answerText(response, 426, 'This is a WebSocket server: connect to it with a WebSocket client\n', { headers });
}

/**
 * Serves a hub on an address, or on an HTTP server that exists already. Resolves when it listens.
 *
 * @example
 * const server = await serve(hub, 'ws://localhost:9000');
 * @throws ZocaloError as `WebSocketServer.listen`, and as the hub's broker when it cannot be opened.
 */
export async function serve(hub: Hub, where: string | URL | Attachment, options?: ServeOptions): Promise<HubServer> {
  const server = new HubServer(hub, where, options);
  await server.listen();
  return server;
}
