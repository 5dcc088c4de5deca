import type { Hub } from '../../hub/index.ts';
import { SUBPROTOCOL } from '../../protocol/index.ts';
import {
  type Attachment,
  type Message,
  type ServerOptions,
  type User,
  WebSocketServer,
} from '../../websocket/index.ts';
import { UserWire } from './user-wire.ts';

/** Whatever the hub makes of a connection: one that speaks the protocol, or one that knows only text. */
interface Guest {
  receive(text: string): void;
  slow(): void;
  lost(): void;
  end(code: 'SHUTTING_DOWN'): void;
}

/** What the server keeps of a user. */
interface Place {
  readonly guest: Guest;
  /** The hub is about to be told that this user reads too slowly. */
  isSlow: boolean;
}

/** Options of the engine, but for those that the hub decides. */
export type ServeOptions = Omit<ServerOptions, 'protocols' | 'queuePolicy'>;

const DEFAULTS = {
  /** Bytes of the largest frame: sixteen publications of the largest default size. */
  maxMessage: 1024 * 1024,
  /**
   * Bytes queued above which a reader is slow, and goes back to the log, so that this may be far less than the engine's
   * default. At twice that, but not before half a MiB more than that, its connection ends with 1013.
   */
  queueLimit: 1024 * 1024,
};

/** Bytes that the hub may queue in one go, to whomever: a page of the log (256 KiB), its last publication, answers. */
const ONE_GO = 512 * 1024;

/** RFC 6455 §7.4.1: data of a kind that cannot be accepted. */
const UNSUPPORTED = 1003;

/**
 * A hub on WebSockets. Clients of the subprotocol `zocalo.1` speak the protocol. Those without a subprotocol are in the
 * one channel that the path of the URL names: text in, text out.
 */
export class HubServer extends WebSocketServer {
  readonly #hub: Hub;
  readonly #queueLimit: number;
  readonly #places = new Map<User, Place>();
  #removeFanOut = (): void => {};

  /** @throws as `WebSocketServer`. */
  constructor(hub: Hub, where: string | URL | Attachment, options: ServeOptions = {}) {
    const filled = { ...DEFAULTS, ...options };
    super(where, { ...filled, protocols: [SUBPROTOCOL] });
    this.#hub = hub;
    this.#queueLimit = filled.queueLimit;
  }

  override async listen(): Promise<void> {
    await this.#hub.open();
    this.#removeFanOut = this.#hub.addFanOut({
      publish: (topic, text, except) =>
        this.publish(topic, text, except instanceof UserWire ? { except: except.user } : undefined),
    });
    await super.listen();
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
    if (typeof message === 'string') this.#places.get(user)?.guest.receive(message);
    else user.close(UNSUPPORTED, 'send text');
  }

  override onClose(user: User): void {
    this.#places.get(user)?.guest.lost();
    this.#places.delete(user);
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

  /** Tells everybody to come back later, then closes in good order. The hub stays open. */
  override close(options?: { grace?: number }): Promise<void> {
    for (const { guest } of [...this.#places.values()]) guest.end('SHUTTING_DOWN');
    this.#removeFanOut();
    return super.close(options);
  }
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
