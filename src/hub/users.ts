import { type Code, encode } from '../protocol/index.ts';
import type { Connection } from './connection.ts';

/** Who is connected to this node, and through which connections. */
export class Users {
  readonly connections = new Map<string, Connection>();
  readonly #byUser = new Map<string, Set<Connection>>();

  add(connection: Connection): void {
    this.connections.set(connection.id, connection);
    const { user } = connection;
    if (user === undefined) return;
    const theirs = this.#byUser.get(user) ?? new Set();
    this.#byUser.set(user, theirs.add(connection));
  }

  remove(connection: Connection): void {
    this.connections.delete(connection.id);
    const { user } = connection;
    if (user === undefined) return;
    const theirs = this.#byUser.get(user);
    if (theirs?.delete(connection) && theirs.size === 0) this.#byUser.delete(user);
  }

  of(user: string): readonly Connection[] {
    return [...(this.#byUser.get(user) ?? [])];
  }

  get ids(): readonly string[] {
    return [...this.#byUser.keys()];
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
  get connections(): readonly Connection[] {
    return this.#users.of(this.id);
  }

  /** Sends data to each of their connections, outside of any channel. Answers how many that were. */
  send(data: unknown): number {
    const line = encode(['to', data]);
    const { connections } = this;
    for (const connection of connections) connection.wire.send(line);
    return connections.length;
  }

  /** Takes a channel from each of their connections, which are told the code. */
  unsubscribe(channel: string, code: Code = 'CLOSED', message?: string): void {
    for (const connection of this.connections) connection.unsubscribe(channel, code, message);
  }

  /** Ends each of their connections. They do not come back by themselves. */
  disconnect(message?: string): void {
    for (const connection of this.connections) connection.end('CLOSED', message);
  }
}
