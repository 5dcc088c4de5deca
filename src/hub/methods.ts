import { ZocaloError } from '../errors.ts';
import { ProtocolError } from '../protocol/index.ts';
import type { Caller } from './options.ts';

/** Answers a call. What it throws as a ProtocolError is the answer; anything else is INTERNAL, and reported. */
export type Handler = (data: unknown, who: Caller) => unknown;

/** What clients can call. */
export class Methods {
  readonly #handlers = new Map<string, Handler>();

  /** @throws ZocaloError BAD_OPTION when there is one of that name already. */
  add(name: string, handler: Handler): void {
    if (this.#handlers.has(name))
      throw new ZocaloError('BAD_OPTION', `there are two methods named ${name}`, { advice: 'name one otherwise' });
    this.#handlers.set(name, handler);
  }

  async call(name: string, data: unknown, who: Caller): Promise<unknown> {
    const handler = this.#handlers.get(name);
    if (!handler) throw new ProtocolError('NO_SUCH_METHOD', `there is no method ${name}`);
    return handler(data, who);
  }
}
