import type { Code } from '../../protocol/index.ts';
import type { UserConnection } from '../caller.ts';
import type { Users } from './users.ts';

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
