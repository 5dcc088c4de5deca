import type { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import { guard, isThenable } from '../thenable.ts';
import { acceptDeflate, formatAgreement } from './core/deflate-negotiation.ts';
import { checkRequest, formatResponse, type Refusal } from './core/handshake.ts';
import { MessageDeflate } from './deflate.ts';
import type { Hooks } from './hooks.ts';
import type { Hosts } from './hosts.ts';
import type { Origins } from './origins.ts';
import { refuse, refuseRequest } from './refusal.ts';
import { reportFailed } from './report.ts';
import type { ServerOptions } from './server-options.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import { UpgradeRequest } from './upgrade-request.ts';

/** What `onUpgrade` may return: a refusal, or the user's protocol and data. Nothing at all accepts the handshake. */
export type UpgradeAnswer =
  | { refuse: number; reason?: string; headers?: Record<string, string> }
  | { protocol?: string; data?: unknown }
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook without a return is the usual one
  | void;

export interface HandshakeHooks extends Hooks {
  onUpgrade(request: UpgradeRequest): UpgradeAnswer | Promise<UpgradeAnswer>;
  onRefuse(request: UpgradeRequest, status: number, reason: string): unknown;
}

type HandshakeOptions = Pick<ServerOptions, 'clientAddress' | 'admitRequest'> &
  Required<Pick<ServerOptions, 'protocols' | 'maxConnections' | 'handshakeTimeout'>> & {
    readonly hosts: Hosts;
    readonly origins: Origins;
  };

const CLOSING: Refusal = { status: 503, reason: 'The server is closing' };
/** Told to the hook alone: the number that proxies log for this. */
const LEFT: Refusal = { status: 499, reason: 'The client left before the answer' };

/** A handshake in progress. */
interface Arrival {
  readonly request: IncomingMessage;
  readonly upgrade: UpgradeRequest;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** The server's side of the opening handshake: accepts or refuses each request. */
export class Handshakes {
  readonly #context: SessionContext;
  readonly #hooks: HandshakeHooks;
  readonly #options: HandshakeOptions;
  readonly #clock: Clock;
  /** Each refuses a handshake that waits for `onUpgrade`. */
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(context: SessionContext, hooks: HandshakeHooks, options: HandshakeOptions, clock: Clock) {
    this.#context = context;
    this.#hooks = hooks;
    this.#options = options;
    this.#clock = clock;
  }

  /** Accepts no more handshakes, and refuses those that wait for `onUpgrade`. */
  close(): void {
    this.#isClosed = true;
    for (const turnAway of this.#waiting) turnAway();
  }

  /** Answers an upgrade request. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { method, headers } = request;
    const { hosts, origins } = this.#options;
    const upgrade = new UpgradeRequest(request, this.#addressOf(request));
    const arrival: Arrival = { request, upgrade, socket, head };
    const refusal =
      checkRequest(method, headers) ??
      hosts.refusalOf(headers.host) ??
      origins.refusalOf(headers) ??
      this.#checkRoom() ??
      this.#askRequest(request);
    if (refusal) {
      this.#refuse(refusal, arrival);
      return;
    }
    try {
      const answer = this.#hooks.onUpgrade(arrival.upgrade);
      if (isThenable(answer)) this.#wait(Promise.resolve(answer as PromiseLike<UpgradeAnswer>), arrival);
      else this.#admit(answer, arrival);
    } catch (error) {
      this.#failed(error, arrival);
    }
  }

  /**
   * Applies the same rules to a plain request, except for the origin, which its handler checks. True if they refused
   * it.
   */
  refusePlain(request: IncomingMessage, response: ServerResponse): boolean {
    const refusal = this.#options.hosts.refusalOf(request.headers.host) ?? this.#askRequest(request, response);
    if (!refusal) return false;
    refuseRequest(response, refusal);
    this.#tell(new UpgradeRequest(request, this.#addressOf(request)), refusal);
    return true;
  }

  #askRequest(request: IncomingMessage, response?: ServerResponse): Refusal | null | undefined {
    try {
      return this.#options.admitRequest?.(request, response);
    } catch (cause) {
      reportFailed(this.#hooks, 'admitRequest', cause);
      return { status: 500, reason: 'The server failed' };
    }
  }

  #addressOf(request: IncomingMessage): string | undefined {
    try {
      return this.#options.clientAddress?.(request);
    } catch (cause) {
      reportFailed(this.#hooks, 'clientAddress', cause);
      return undefined;
    }
  }

  #checkRoom(): Refusal | null {
    if (this.#isClosed) return CLOSING;
    const { maxConnections } = this.#options;
    if (this.#context.users.size < maxConnections) return null;
    return { status: 503, reason: `The server is full (${maxConnections})`, headers: { 'Retry-After': '10' } };
  }

  #wait(answer: Promise<UpgradeAnswer>, arrival: Arrival): void {
    const { socket } = arrival;
    const settle = (action: () => void) => {
      if (!this.#waiting.delete(turnAway)) return;
      cancel();
      socket.off('error', drop);
      action();
    };
    const drop = () =>
      settle(() => {
        socket.destroy();
        this.#tell(arrival.upgrade, LEFT);
      });
    socket.on('error', drop);
    const turnAway = () => settle(() => this.#refuse(CLOSING, arrival));
    this.#waiting.add(turnAway);
    const late = { status: 503, reason: 'The server took too long to decide' };
    const cancel = this.#clock.after(this.#options.handshakeTimeout, () => settle(() => this.#refuse(late, arrival)));
    answer.then(
      (value) => settle(() => this.#admit(value, arrival)),
      (error) => settle(() => this.#failed(error, arrival)),
    );
  }

  #admit(answer: UpgradeAnswer, arrival: Arrival): void {
    const { request, upgrade, socket, head } = arrival;
    const refusal =
      answer && 'refuse' in answer
        ? { status: answer.refuse, reason: answer.reason ?? 'Refused', headers: answer.headers ?? {} }
        : this.#checkRoom();
    if (refusal) {
      this.#refuse(refusal, arrival);
      return;
    }
    const { protocol = this.#chooseProtocol(upgrade), data } = (answer ?? {}) as { protocol?: string; data?: unknown };
    const { compression } = this.#context.limits;
    const offered = request.headers['sec-websocket-extensions'] ?? '';
    const agreement = compression && acceptDeflate(offered, compression);
    const deflate = agreement && compression && new MessageDeflate(agreement, 'server', compression);
    const extensions = agreement ? formatAgreement(agreement, offered) : '';
    socket.write(formatResponse(request.headers['sec-websocket-key']!, protocol, extensions), 'latin1');
    new Session(socket, this.#context, upgrade, protocol, deflate, data).start(head);
  }

  #chooseProtocol(upgrade: UpgradeRequest): string {
    return upgrade.protocols.find((name) => this.#options.protocols.includes(name)) ?? '';
  }

  #failed(cause: unknown, arrival: Arrival): void {
    this.#refuse({ status: 500, reason: 'The server failed' }, arrival);
    reportFailed(this.#hooks, 'onUpgrade', cause);
  }

  #refuse(refusal: Refusal, { socket, upgrade }: Arrival): void {
    refuse(socket, refusal);
    this.#tell(upgrade, refusal);
  }

  #tell(request: UpgradeRequest, { status, reason }: Refusal): void {
    guard(
      () => this.#hooks.onRefuse(request, status, reason),
      (cause) => reportFailed(this.#hooks, 'onRefuse', cause),
    );
  }
}
