import type { Code } from '../protocol/index.ts';
import type { UserConnection } from './caller.ts';
import type { Observers } from './observer.ts';

/** Who is connected to this node, and through which connections. */
export class Users {
  readonly connections = new Map<string, UserConnection>();
  readonly #byUser = new Map<string, Set<UserConnection>>();
  /** How many connections of each user count. */
  readonly #counts = new Map<string, number>();
  readonly #observers: Observers;

  constructor(observers: Observers) {
    this.#observers = observers;
  }

  add(connection: UserConnection): void {
    this.connections.set(connection.id, connection);
    this.#observers.tell('onConnect', connection);
    const { user, isInternal } = connection;
    if (user === undefined) return;
    const theirs = this.#byUser.get(user) ?? new Set();
    this.#byUser.set(user, theirs.add(connection));
    if (isInternal) return;
    const count = (this.#counts.get(user) ?? 0) + 1;
    this.#counts.set(user, count);
    if (count === 1) this.#observers.tell('onOnline', user);
  }

  remove(connection: UserConnection): void {
    if (!this.connections.delete(connection.id)) return;
    this.#observers.tell('onDisconnect', connection);
    const { user, isInternal } = connection;
    if (user === undefined) return;
    const theirs = this.#byUser.get(user);
    theirs?.delete(connection);
    if (theirs?.size === 0) this.#byUser.delete(user);
    if (isInternal) return;
    const count = this.#counts.get(user)! - 1;
    this.#counts.set(user, count);
    if (count > 0) return;
    this.#counts.delete(user);
    this.#observers.tell('onOffline', user);
  }

  of(user: string): readonly UserConnection[] {
    return [...(this.#byUser.get(user) ?? [])];
  }

  get ids(): readonly string[] {
    return [...this.#counts.keys()];
  }
}

/** One user, however many connections they have just now: none is no error. */
export class User {
  readonly id: string;
  readonly #users: Users;

  constructor(id: string, users: Users) {
    this.id = id;
    this.#users = users;
  }

  /** Their connections on this node. */
  get connections(): readonly UserConnection[] {
    return this.#users.of(this.id);
  }

  /** Sends data to each of their connections, outside of any channel. Answers how many that were. */
  send(data: unknown): number {
    const { connections } = this;
    for (const connection of connections) connection.send(data);
    return connections.length;
  }

  /** Takes a channel from each of their connections, which are told the code. */
  unsubscribe(channel: string, code: Code = 'CLOSED', message?: string): void {
    for (const connection of this.connections) connection.unsubscribe(channel, code, message);
  }

  /** Ends each of their connections. They do not come back by themselves. */
  disconnect(message?: string): void {
    for (const connection of this.connections) connection.disconnect(message);
  }
}
