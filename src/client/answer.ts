import {
  type Allowed,
  type AnswerData,
  type AnswerName,
  type AnswerReturn,
  type AnyOf,
  type Contract,
  ProtocolError,
  type ServerMessage,
} from '../protocol/index.ts';
import type { Client } from './client.ts';
import { encodeParts } from './json.ts';

/** What is asked, besides the data. */
export interface Asking {
  /**
   * Aborted when the answer is not needed any more: another page of the same user has answered, the time is over, or the
   * connection is lost. A question on the screen should go away then.
   */
  readonly signal: AbortSignal;
  readonly method: string;
}

/**
 * Answers a call of the server. A ProtocolError that it throws is the answer, with its code, message and details; any
 * other error is INTERNAL for the server, and the client emits its `error`.
 */
// biome-ignore lint/suspicious/noExplicitAny: the data is whatever the server sends.
export type AnswerHandler<Data = any, Result = unknown> = (data: Data, asking: Asking) => Result | Promise<Result>;

/** By the given type or by the contract; without either, the data is whatever the server sends. */
type DataOf<Given, C extends Contract, Name> = [Given] extends [never]
  ? 0 extends 1 & C
    ? // biome-ignore lint/suspicious/noExplicitAny: as above.
      any
    : AnswerData<C, Name>
  : Given;

type Extras = Awaited<ReturnType<Client['_load']>>;

const all = new WeakMap<Client, Answers>();

/** The methods that one client answers. */
class Answers {
  readonly handlers = new Map<string, AnswerHandler>();
  readonly #client: Client;
  /** What is being answered on this connection, by the number that the server gave it. */
  readonly #running = new Map<number, AbortController>();
  #extras: Extras | undefined;
  #isChanging = false;

  constructor(client: Client) {
    this.#client = client;
    client.on('state', (state) => {
      for (const controller of this.#running.values()) controller.abort(new ProtocolError('CONNECTION_LOST', 'lost'));
      this.#running.clear();
      if (state === 'open' && this.handlers.size > 0) this.change();
    });
  }

  /** Tells the server what is answered, once for all changes of a moment. */
  change(): void {
    if (this.#isChanging) return;
    this.#isChanging = true;
    this.#client._load().then(
      (extras) => {
        this.#isChanging = false;
        if (this.#extras !== extras) extras.listeners.add((message) => this.#handle(message));
        this.#extras = extras;
        if (this.#client.state !== 'open') return; // the next connection begins with it
        const err = (error: Error) => extras.context.report(error);
        extras.context.session.ask('offer', encodeParts([...this.handlers.keys()]), { ok() {}, err, lost() {} });
      },
      (error) => {
        // It is tried again with the next connection.
        this.#isChanging = false;
        console.error(error);
      },
    );
  }

  #handle(message: ServerMessage): void {
    if (message[0] === 'over') {
      this.#running.get(message[1])?.abort(new ProtocolError('CLOSED', 'the answer is not needed any more'));
      this.#running.delete(message[1]);
    } else if (message[0] === 'ask') void this.#answer(message[1], message[2], message[3]);
  }

  async #answer(number: number, method: string, data: unknown): Promise<void> {
    const controller = new AbortController();
    this.#running.set(number, controller);
    const { signal } = controller;
    const line = await this.#lineOf(number, method, data, signal);
    if (this.#running.get(number) !== controller) return;
    this.#running.delete(number);
    this.#extras!.context.session.send({ line });
  }

  async #lineOf(number: number, method: string, data: unknown, signal: AbortSignal): Promise<string> {
    try {
      const handler = this.handlers.get(method);
      if (!handler) throw new ProtocolError('NO_SUCH_METHOD', `this client does not answer ${method}`);
      const result = await handler(data, { signal, method });
      const { bytes } = this.#extras!.context.settings;
      return `["ok",${number},${encodeParts(bytes.written?.(result) ?? result ?? null)}`;
    } catch (error) {
      return `["err",${number},${this.#refusal(error, signal)}`;
    }
  }

  #refusal(error: unknown, signal: AbortSignal): string {
    if (error instanceof ProtocolError)
      try {
        const { code, message, retryAfter = null, reason = null, details } = error;
        return encodeParts(code, message, retryAfter, reason, ...(details === undefined ? [] : [details]));
      } catch (cause) {
        this.#extras!.context.report(cause as Error);
      }
    // A function that was told to stop may throw because of it.
    else if (!signal.aborted) this.#extras!.context.report(error as Error);
    return encodeParts('INTERNAL', 'the client failed');
  }
}

/**
 * Answers what the server asks this user by `hub.user(id).call(method, data)`. It connects at once, and offers the method
 * again after each reconnect. A function of its own, so that pages without it do not load it. Returns a function that
 * ends it.
 *
 * Of several pages of one user all are asked: the first result counts, and the `signal` of the others is aborted.
 *
 * @throws ProtocolError BAD_OPTION when the client answers the method already.
 *
 * @example
 * answer(client, 'confirm', ({ text }, { signal }) => dialog.ask(text, signal));
 */
export function answer<
  Data = never,
  // biome-ignore lint/suspicious/noExplicitAny: of any contract.
  C extends Contract = any,
  const Name extends AnyOf<AnswerName<C>> = string,
>(
  client: Client<C>,
  method: Name & Allowed<AnswerName<C>, Name>,
  handler: AnswerHandler<DataOf<Data, C, Name>, AnswerReturn<C, Name>>,
): () => void {
  const answers = all.get(client) ?? new Answers(client);
  all.set(client, answers);
  const { handlers } = answers;
  if (handlers.has(method)) throw new ProtocolError('BAD_OPTION', `the client answers ${method} already`);
  handlers.set(method, handler);
  client.open();
  answers.change();
  return () => {
    if (handlers.get(method) !== handler) return;
    handlers.delete(method);
    answers.change();
  };
}
