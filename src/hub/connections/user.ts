import type { Allowed, AnswerInput, AnswerName, AnswerResult, AnyOf, Code, Contract } from '../../protocol/index.ts';
import type { UserConnection } from '../caller.ts';
import { checkName } from '../channel-name.ts';
import type { Calls, UserCallOptions } from './calls.ts';
import type { Users } from './users.ts';

/** One user with any number of connections; having none is no error. */
// biome-ignore lint/suspicious/noExplicitAny: of any contract.
export class User<C extends Contract = any> {
  readonly id: string;
  readonly #users: Users;
  readonly #calls: Calls;

  constructor(id: string, users: Users, calls: Calls) {
    this.id = id;
    this.#users = users;
    this.#calls = calls;
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

  /**
   * Calls a method that the user's clients answer (`answer` of the client), and resolves with the result. All of their
   * connections that offer it are asked, on all nodes; the first result counts, and the others are told that theirs is
   * not needed. Rejects when all have refused, with the last refusal. The contract's `answers` check the data, and each
   * result: one that does not fit counts as a refusal.
   * @throws ProtocolError UNAVAILABLE when the user is not connected, NO_SUCH_METHOD when no client offers the method,
   *   TIMEOUT when no answer came in time, BAD_DATA, or the client's own; ZocaloError BAD_OPTION, LOG_….
   *
   * @example
   * const isSure = await hub.user('ana').call<boolean>('confirm', { text: 'Delete it?' }, { timeout: 60_000 });
   */
  async call<T = never, const Name extends AnyOf<AnswerName<C>> = string>(
    method: Name & Allowed<AnswerName<C>, Name>,
    data?: AnswerInput<C, Name>,
    options?: UserCallOptions,
  ): Promise<[T] extends [never] ? AnswerResult<C, Name> : T> {
    return (await this.#calls.call(this.id, method, data, options)).value as never;
  }

  /**
   * Has each of their connections on this node subscribe to a channel, without asking for it, if its client follows the
   * server (`follow` of the client). From then on it is as any other subscription: recovered after a reconnect, and as the
   * options of the channel allow. Later connections get the `channels` that the option `connect` returns. Returns the
   * number of connections. For all nodes: `hub.cluster.subscribe`.
   * @throws ZocaloError BAD_OPTION for an invalid channel name.
   */
  subscribe(channel: string): number {
    checkName(channel);
    return this.connections.filter((connection) => connection.subscribe(channel)).length;
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
