import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { ProtocolError } from '../../protocol/index.ts';
import type { HandlerConfig } from '../config/index.ts';
import type { ThrottledLog } from '../operations/index.ts';
import { unavailable } from '../unavailable.ts';
import { BadAnswer } from './answer.ts';
import type { Carrier } from './carriers/index.ts';
import type { HandlerEvent } from './event.ts';
import type { EventName } from './events.ts';
import { LONGEST, tooLate } from './waiting.ts';

/** What became of one event: for the metrics. */
export type Outcome = 'answered' | 'refused' | 'failed';

export interface HandlerParts {
  readonly clock: Clock;
  readonly log: ThrottledLog;
  readonly onOutcome: (handler: string, event: EventName, outcome: Outcome, seconds: number) => void;
}

/** Events that may be held beside those that may wait: about as many as are asked at a time. */
const AT_ONCE = 32;

/** One entry of `handlers`: its carrier, and what is made of its failures. */
export class Handler {
  readonly name: string;
  readonly config: HandlerConfig;
  readonly carrier: Carrier;
  readonly #parts: HandlerParts;
  /** The handler that this one replaces may still have events of the same connections: those come first. */
  #predecessor: Promise<void> | undefined;
  /** Events that wait for that. */
  #held = 0;
  /** Events without an answer. */
  #asked = 0;
  #idle: (() => void)[] = [];
  /** The code of the last event's failure; undefined when that was answered. */
  #failure: string | undefined;

  constructor(name: string, config: HandlerConfig, carrier: Carrier, parts: HandlerParts) {
    this.name = name;
    this.config = config;
    this.carrier = carrier;
    this.#parts = parts;
  }

  /** Nothing is sent before this is settled. */
  waitFor(predecessor: Promise<void>): void {
    this.#predecessor = predecessor;
    void predecessor.then(() => {
      if (this.#predecessor === predecessor) this.#predecessor = undefined;
    });
  }

  /** Whether its program runs, and how the last event went. For `/health`: of a failure only the code. */
  health(): { readonly ok: boolean; readonly error: string | undefined } {
    const error = this.#failure ?? this.carrier.trouble?.();
    return { ok: error === undefined, error };
  }

  /** Whether an event has no answer yet. */
  get isBusy(): boolean {
    return this.#asked > 0;
  }

  /** Resolves when every event has its answer. */
  settled(): Promise<void> {
    return !this.isBusy ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** `grace`: milliseconds for what was asked, and for its programs to end. */
  async close(grace: number): Promise<void> {
    const { clock } = this.#parts;
    const until = clock.now() + grace;
    await this.#isWithin(grace, this.settled());
    await this.carrier.close(Math.max(0, until - clock.now()));
  }

  /**
   * What `read` makes of the answer to an event. Whatever is not a clear answer allows nothing.
   * @throws ProtocolError UNAVAILABLE with a pause; and as `read`.
   */
  async ask<T>(event: HandlerEvent, read: (text: string) => T): Promise<T> {
    const { clock, onOutcome } = this.#parts;
    const begun = clock.now();
    const end = (outcome: Outcome) => onOutcome(this.name, event.name, outcome, (clock.now() - begun) / 1_000);
    this.#asked++;
    try {
      if (this.#predecessor) await this.#hold(this.#predecessor);
      const result = read(await this.carrier.ask(event));
      this.#failure = undefined;
      end('answered');
      return result;
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#failure = undefined;
        end('refused');
        throw error;
      }
      end('failed');
      throw this.#failed(event, error);
    } finally {
      if (--this.#asked === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** @throws ZocaloError HANDLER_BUSY. */
  async #hold(predecessor: Promise<void>): Promise<void> {
    const { waiting, timeout } = this.config;
    if (this.#held >= AT_ONCE + waiting) throw new ZocaloError('HANDLER_BUSY', `${waiting} events wait already`);
    this.#held++;
    try {
      if (!(await this.#isWithin(LONGEST * timeout, predecessor))) throw tooLate(LONGEST * timeout);
    } finally {
      this.#held--;
    }
  }

  #isWithin(limit: number, promise: Promise<void>): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(limit, () => resolve(false));
      void promise.then(() => {
        cancel();
        resolve(true);
      });
    });
  }

  #failed({ name: event }: HandlerEvent, error: unknown): ProtocolError {
    const [code, reason] = reasonOf(error);
    this.#failure = code;
    const fields = { code, handler: this.name, event, reason };
    const sentence = 'a handler gave no answer that can be used: the client is asked to come back';
    this.#parts.log.write('error', `handler ${this.name} ${code}`, fields, sentence);
    return unavailable('the application cannot be asked just now');
  }
}

function reasonOf(error: unknown): [code: string, reason: string] {
  if (error instanceof ZocaloError) return [error.code, error.happened];
  if (error instanceof BadAnswer) return ['HANDLER_BAD_ANSWER', error.message];
  return ['UNEXPECTED', (error as Error).message];
}
