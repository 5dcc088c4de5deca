import { randomUUID } from 'node:crypto';
import type { Payload } from './core/frame-writer.ts';
import { Peer } from './peer.ts';
import type { Subscriber } from './topic.ts';
import type { UpgradeRequest } from './upgrade-request.ts';

/** What a user needs of the engine: a connection that subscribes to topics. */
export interface UserSession extends Subscriber {
  /** Queues what was published to it in this turn, so that what follows comes after. */
  settle(): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
}

let read: (user: User) => UserSession;

/** The engine's side of a user. */
export function sessionOf(user: User): UserSession {
  return read(user);
}

/** A client connected to a server. A person with two connections is two users. */
export class User extends Peer {
  static {
    read = (user) => user.#session;
  }

  readonly #session: UserSession;
  #id = '';
  #data: unknown;
  /** The opening handshake. */
  readonly request: UpgradeRequest;

  constructor(session: UserSession, request: UpgradeRequest, protocol: string, data: unknown) {
    super(session.connection, protocol);
    this.#session = session;
    this.request = request;
    this.#data = data;
  }

  /** A random UUID, unique to this connection. */
  get id(): string {
    if (this.#id === '') this.#id = randomUUID();
    return this.#id;
  }

  /** The application's own data: what `onUpgrade` returned, or an empty object. */
  // biome-ignore lint/suspicious/noExplicitAny: what an application keeps here is its own affair
  get data(): any {
    this.#data ??= {};
    return this.#data;
  }

  set data(value: unknown) {
    this.#data = value;
  }

  /** The client's IP address: the other end of the socket, or what the option `clientAddress` returned. */
  get remoteAddress(): string {
    return this.request.remoteAddress;
  }

  /** The topics that this user subscribes to. */
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

  /** From now on this user gets what `server.publish(topic, …)` sends. Subscribing again has no effect. */
  subscribe(topic: string): void {
    this.#session.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#session.unsubscribe(topic);
  }
}
