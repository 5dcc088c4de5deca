import type { Code } from '../../protocol/index.ts';
import type { UserConnection } from '../caller.ts';
import type { Users } from './users.ts';

/** One user with any number of connections; having none is no error. */
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

  /** Sends data to each of their connections, outside of any channel. Returns the number of connections. */
  send(data: unknown): number {
    const { connections } = this;
    for (const connection of connections) connection.send(data);
    return connections.length;
  }

  /** Removes a channel from each of their connections, which are told the code. */
  unsubscribe(channel: string, code: Code = 'CLOSED', message?: string): void {
    for (const connection of this.connections) connection.unsubscribe(channel, code, message);
  }

  /** Ends each of their connections. The clients do not reconnect automatically. */
  disconnect(message?: string): void {
    for (const connection of this.connections) connection.disconnect(message);
  }
}
