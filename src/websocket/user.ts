import { randomUUID } from 'node:crypto';
import type { Payload } from './core/frame-writer.ts';
import { Peer } from './peer.ts';
import type { Subscriber } from './topic.ts';
import type { UpgradeRequest } from './upgrade-request.ts';

/** What a user needs of the engine: a connection that subscribes to topics. */
export interface UserSession extends Subscriber {
  /** Queues what this tick has published to it, so that what follows comes after. */
  settle(): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
}

let read: (user: User) => UserSession;

/** The engine's own side of a user. */
export function sessionOf(user: User): UserSession {
  return read(user);
}

/** Somebody connected to a server: one connection of theirs. */
export class User extends Peer {
  static {
    read = (user) => user.#session;
  }

  readonly #session: UserSession;
  #id = '';
  #data: unknown;
  /** The handshake that they came with. */
  readonly request: UpgradeRequest;

  constructor(session: UserSession, request: UpgradeRequest, protocol: string, data: unknown) {
    super(session.connection, protocol);
    this.#session = session;
    this.request = request;
    this.#data = data;
  }

  /** Unlike every other connection's, on any server. */
  get id(): string {
    if (this.#id === '') this.#id = randomUUID();
    return this.#id;
  }

  /** The application's own: what `onUpgrade` attached, or an empty object. */
  // biome-ignore lint/suspicious/noExplicitAny: what an application keeps here is its own affair
  get data(): any {
    this.#data ??= {};
    return this.#data;
  }

  set data(value: unknown) {
    this.#data = value;
  }

  /** The client's IP address: the other end of the socket, or what the option `clientAddress` makes of a proxy's word. */
  get remoteAddress(): string {
    return this.request.remoteAddress;
  }

  /** The topics that they are subscribed to. */
  get topics(): readonly string[] {
    return [...(this.#session.topics ?? [])].map((topic) => topic.name);
  }

  override send(message: Payload): boolean {
    this.#session.settle();
    return super.send(message);
  }

  override drained(): Promise<void> {
    this.#session.settle();
    return super.drained();
  }

  override close(code = 1000, reason = ''): void {
    this.#session.settle();
    super.close(code, reason);
  }

  /** From now on they get what `server.publish(topic, …)` sends. Subscribing twice is subscribing once. */
  subscribe(topic: string): void {
    this.#session.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#session.unsubscribe(topic);
  }
}
