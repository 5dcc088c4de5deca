import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { type Clock, systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { type Bound, bindServers, toZocaloError, type WebSocketAddress } from '../stream/index.ts';
import { guard } from '../thenable.ts';
import { attach, type Take } from './attach.ts';
import type { QueueVerdict } from './backpressure.ts';
import type { Message } from './connection.ts';
import type { Payload } from './core/frame-writer.ts';
import { FlushQueue } from './flush-queue.ts';
import { Handshakes, type UpgradeAnswer } from './handshakes.ts';
import { Hosts } from './hosts.ts';
import { createHttpServer } from './http-server.ts';
import { connectionLimits } from './limits.ts';
import { checkOptions } from './option-checks.ts';
import { Origins } from './origins.ts';
import { report, reportFailed } from './report.ts';
import { type Attachment, SERVER_DEFAULTS, type ServerOptions, type TlsIdentity } from './server-options.ts';
import type { SessionContext } from './session-context.ts';
import { TimerWheel, tickFor } from './timer-wheel.ts';
import { Topic } from './topic.ts';
import { Topics } from './topics.ts';
import type { UpgradeRequest } from './upgrade-request.ts';
import { webSocketAddress } from './url.ts';
import { sessionOf, type User } from './user.ts';

/**
 * Milliseconds between calls of `onTick`. Under a second, because timers may be late and it promises "at least once a
 * second".
 */
const TICK = 500;

/**
 * A WebSocket server. Override the hooks, then `run()`.
 *
 * @example
 * class ChatRoom extends WebSocketServer {
 *   override onMessage(user: User, message: Message) {
 *     this.broadcast(message, { except: user });
 *   }
 * }
 * await new ChatRoom('ws://localhost:9000').run();
 */
export class WebSocketServer {
  /** All connected users. */
  readonly users: ReadonlySet<User>;
  readonly #where: WebSocketAddress | Attachment;
  readonly #options: ServerOptions & typeof SERVER_DEFAULTS;
  readonly #clock: Clock;
  readonly #context: SessionContext;
  readonly #handshakes: Handshakes;
  #bound: Bound<HttpServer>[] = [];
  #stops: (() => void)[] = [];
  #listens = false;
  #closed: Promise<void> | null = null;
  #onEmpty: (() => void) | null = null;

  /**
   * @param where `ws://host:port/path` (`localhost` is both 127.0.0.1 and ::1; port 0 picks a free one; without a path,
   *   any is accepted), `wss://…` with the option `tls`, or an existing server.
   * @throws ZocaloError BAD_ADDRESS, UNKNOWN_SCHEME, BAD_OPTION.
   */
  constructor(where: string | URL | Attachment, options: ServerOptions = {}) {
    this.#where = isAttachment(where) ? where : webSocketAddress(where);
    checkOptions(options);
    this.#options = { ...SERVER_DEFAULTS, ...options } as ServerOptions & typeof SERVER_DEFAULTS;
    this.#clock = options.clock ?? systemClock;
    const limits = connectionLimits(options);
    const flushQueue = new FlushQueue();
    const users = new Set<User>();
    this.users = users;
    this.#context = {
      hooks: this,
      users,
      leaving: new Set(),
      limits,
      flushQueue,
      topics: new Topics(flushQueue, limits.compression),
      everyone: new Topic('everyone'),
      wheel: new TimerWheel(
        this.#clock,
        tickFor(limits.pingInterval, limits.pongTimeout, limits.idleTimeout, limits.closeTimeout),
      ),
      onGone: () => this.#onGone(),
    };
    const parts = { hosts: new Hosts(options.hosts), origins: new Origins(options.origins) };
    this.#handshakes = new Handshakes(this.#context, this, { ...this.#options, ...parts }, this.#clock);
  }

  // ——— hooks, all of which may be asynchronous; one that fails closes its user with 1011 and calls `onError`

  /** Before the handshake is answered: refuse with a status, choose a subprotocol, attach the user's data. */
  onUpgrade(_request: UpgradeRequest): UpgradeAnswer | Promise<UpgradeAnswer> {}

  /**
   * A handshake was answered with this status instead of 101, or one of the server's rules refused a plain request. 499:
   * the connection failed before `onUpgrade` had answered.
   */
  onRefuse(_request: UpgradeRequest, _status: number, _reason: string): unknown {
    return;
  }

  /** After the handshake. */
  onConnect(_user: User): unknown {
    return;
  }

  /** A string for a text message, a Buffer of its own for a binary one. */
  onMessage(_user: User, _message: Message): unknown {
    return;
  }

  /** Called once for each user, who is no longer in `users`. 1006: the connection was lost. */
  onClose(_user: User, _code: number, _reason: string): unknown {
    return;
  }

  /** A hook failed (then with its user), or the server itself. By default it is printed to standard error. */
  onError(error: ZocaloError, _user?: User): unknown {
    return console.error(error);
  }

  /** At least once a second (every 500 ms) while the server listens, for periodic work. */
  onTick(): unknown {
    return;
  }

  /**
   * Called when a message is for a queue that is over `queueLimit`. Return 'close' to close the user, 'drop' to drop
   * this message for them, or 'queue' to queue it anyway. By default it returns the option `queuePolicy`. Do not send
   * from here. `message` is absent when it goes to many.
   */
  onQueueFull(_user: User, _message: Payload | undefined): QueueVerdict {
    return this.#context.limits.queuePolicy;
  }

  // ——— sending to many

  /** Sends to all users, encoding once. `except`: not to this user. */
  broadcast(message: Payload, options: { except?: User } = {}): void {
    this.#publish(this.#context.everyone, message, options.except);
  }

  /**
   * Sends to all users who subscribe to `topic`, encoding once. `except`: not to this user. Returns the number of
   * subscribers.
   */
  publish(topic: string, message: Payload, options: { except?: User } = {}): number {
    const known = this.#context.topics.get(topic);
    return known ? this.#publish(known, message, options.except) : 0;
  }

  #publish(topic: Topic, message: Payload, except: User | undefined): number {
    return this.#context.topics.publish(topic, message, except ? sessionOf(except) : null);
  }

  // ——— listening

  /**
   * The addresses on which the server listens, with the actual port: `ws://127.0.0.1:9000`. Empty for an attached
   * server.
   */
  get addresses(): readonly string[] {
    return this.#bound.map((bound) => bound.address);
  }

  /**
   * Starts to listen, or to handle the upgrades of the server that it is attached to.
   * @throws ZocaloError ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED, UNKNOWN_HOST, BAD_CERTIFICATE;
   *   SERVER_USED when it listens already or is closed.
   */
  async listen(): Promise<void> {
    if (this.#listens || this.#closed)
      throw new ZocaloError('SERVER_USED', `this server ${this.#closed ? 'is closed' : 'listens already'}`);
    this.#listens = true;
    try {
      await this.#listen();
    } catch (error) {
      this.#listens = false;
      throw error;
    }
  }

  async #listen(): Promise<void> {
    const take: Take = (request, socket, head) => this.#handshakes.take(request, socket, head);
    if ('server' in this.#where) {
      const { server, path } = this.#where;
      this.#stops.push(attach(server, path, take));
    } else {
      const address = this.#where;
      const path = new URL(address.path, 'ws://host').pathname;
      const create = () => {
        const server = createHttpServer(address.scheme === 'wss', this.#options, {
          refuse: (request, response) => this.#handshakes.refusePlain(request, response),
          failed: (cause) => reportFailed(this, 'onRequest', cause),
        });
        attach(server, path === '/' ? undefined : path, take);
        return server;
      };
      const bound = await bindServers(create, address, { backlog: this.#options.backlog });
      if (this.#closed) {
        for (const { server } of bound) server.close();
        return;
      }
      this.#bound = bound;
      for (const { server, address } of bound)
        server.on('error', (cause) => report(this, toZocaloError(cause, address)));
    }
    const tick = () =>
      guard(
        () => this.onTick(),
        (cause) => reportFailed(this, 'onTick', cause),
      );
    this.#stops.push(this.#clock.every(TICK, tick));
  }

  /**
   * Uses another certificate for new connections; open ones keep the one that they have. For a server that listens on
   * `wss://` itself.
   * @throws ZocaloError BAD_CERTIFICATE; then the old one stays.
   */
  renewCertificate(tls: TlsIdentity): void {
    try {
      for (const { server } of this.#bound)
        if ('setSecureContext' in server) (server as HttpsServer).setSecureContext(tls);
    } catch (cause) {
      throw new ZocaloError('BAD_CERTIFICATE', (cause as Error).message, { cause });
    }
  }

  /** Listens, prints the address, closes gracefully on SIGINT or SIGTERM, and resolves after that. */
  async run(): Promise<void> {
    await this.listen();
    if (this.addresses.length > 0) console.log(`Listening on ${this.addresses.join(' and ')}`);
    await new Promise<void>((resolve) => {
      const stop = () => {
        process.off('SIGINT', stop).off('SIGTERM', stop);
        resolve(this.close());
      };
      process.on('SIGINT', stop).on('SIGTERM', stop);
    });
  }

  /**
   * Closes gracefully: accepts no more connections, sends 1001 (going away) to all users, waits up to `grace`
   * milliseconds (default 5,000) for their answers, then terminates the remaining connections. A server that this one
   * is attached to stays open.
   */
  close({ grace = 5_000 }: { grace?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(grace);
    return this.#closed;
  }

  async #close(grace: number): Promise<void> {
    this.#handshakes.close();
    for (const stop of this.#stops.splice(0)) stop();
    const servers = this.#bound.map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve())));
    const connections = [...this.users].map((user) => sessionOf(user).connection);
    for (const user of [...this.users]) user.close(1001, 'the server is going away');
    let cancel = () => {};
    const deadline = new Promise<void>((resolve) => {
      cancel = this.#clock.after(grace, resolve);
    });
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      this.#onGone();
    });
    await Promise.race([empty, deadline]);
    for (const connection of new Set([...connections, ...this.#context.leaving])) connection.terminate();
    for (const { server } of this.#bound) server.closeAllConnections();
    await Promise.race([Promise.all(servers), deadline]);
    cancel();
  }

  #onGone(): void {
    if (this.users.size === 0 && this.#context.leaving.size === 0) this.#onEmpty?.();
  }
}

function isAttachment(where: string | URL | Attachment): where is Attachment {
  return typeof (where as Partial<Attachment> | null)?.server?.on === 'function';
}
