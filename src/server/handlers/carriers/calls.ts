import type { Clock } from '../../../clock.ts';
import { ZocaloError } from '../../../errors.ts';
import type { HandlerEvent } from '../event.ts';
import { LONGEST, tooLate } from '../waiting.ts';
import type { Carrier } from './carrier.ts';
import { Turns } from './turns.ts';

/** Calls at a time: about as many as a small application has workers. */
const AT_ONCE = 32;
/** Bytes of an answer: what `connect` answers stays in memory as long as the connection. */
const MOST = { connect: 64 * 1_024, others: 1_024 * 1_024 };

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Sends one event as a POST. `most`: bytes of the answer. @throws what the network says, or the reason of `signal`. */
export type Post = (
  event: HandlerEvent,
  call: { readonly signal: AbortSignal; readonly most: number },
) => Promise<Reply>;

export interface CallsOptions {
  /** Milliseconds for one call. */
  readonly timeout: number;
  readonly waiting: number;
  readonly clock: Clock;
}

/** What HTTP and FastCGI share: an event is a call of its own, and its answer has a status. */
export class Calls implements Carrier {
  readonly #post: Post;
  readonly #options: CallsOptions;
  readonly #turns: Turns;
  readonly #end = new AbortController();

  constructor(post: Post, options: CallsOptions) {
    this.#post = post;
    this.#options = options;
    const refusal = () => new ZocaloError('HANDLER_BUSY', `${options.waiting} events wait already`);
    this.#turns = new Turns({ atOnce: AT_ONCE, waiting: options.waiting, refusal });
  }

  ask(event: HandlerEvent): Promise<string> {
    const { timeout, clock } = this.#options;
    const asked = clock.now();
    return this.#turns.run(event.connection, async () => {
      if (clock.now() - asked >= LONGEST * timeout) throw tooLate(LONGEST * timeout);
      return this.#call(event);
    });
  }

  async #call(event: HandlerEvent): Promise<string> {
    const { timeout, clock } = this.#options;
    const late = new AbortController();
    const cancel = clock.after(timeout, () => late.abort());
    try {
      const signal = AbortSignal.any([late.signal, this.#end.signal]);
      signal.throwIfAborted();
      const most = event.name === 'connect' ? MOST.connect : MOST.others;
      return textOf(await this.#post(event, { signal, most }), event);
    } catch (error) {
      if (late.signal.aborted) throw new ZocaloError('HANDLER_TIMEOUT', `no answer came within ${timeout} ms`);
      if (this.#end.signal.aborted) throw new ZocaloError('HANDLER_UNREACHABLE', 'the daemon closed it');
      throw failureOf(error);
    } finally {
      cancel();
    }
  }

  async close(grace: number): Promise<void> {
    const cancel = this.#options.clock.after(grace, () => this.#end.abort());
    await this.#turns.settled();
    cancel();
    this.#end.abort();
  }
}

/** @throws ZocaloError HANDLER_BAD_ANSWER. */
function textOf({ status, text }: Reply, { name }: HandlerEvent): string {
  const isNotice = name === 'disconnect' || name === 'unsubscribe';
  if (status === 200 || (isNotice && status > 200 && status < 300)) return text;
  if ((status === 401 || status === 403) && !isNotice) return '{"deny":true}';
  throw new ZocaloError('HANDLER_BAD_ANSWER', `it answers with status ${status}`);
}

/** Only our own sentences and the codes of the network: others might quote what was sent. */
function failureOf(error: unknown): ZocaloError {
  if (error instanceof ZocaloError) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  return code === undefined
    ? new ZocaloError('HANDLER_BAD_ANSWER', message)
    : new ZocaloError('HANDLER_UNREACHABLE', `it cannot be reached (${code})`);
}
