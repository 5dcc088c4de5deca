import type { Clock } from '../../clock.ts';
import type { Command } from './command.ts';
import type { PollDescription } from './options.ts';

/** Milliseconds: slow gateways to serial lines take one or two seconds. */
const TIMEOUT = 3_000;
/** Unanswered requests in a row after which a device that is connected is taken for gone. */
const MOST_UNANSWERED = 3;

/** What a device is asked, as bytes. Times are in milliseconds. */
export interface Poll {
  readonly requests: readonly Buffer[];
  readonly every: number;
  readonly timeout: number;
}

export function pollOf(
  { every, send, timeout = TIMEOUT }: PollDescription,
  encoded: (command: Command) => Buffer,
): Poll {
  const commands = Array.isArray(send) ? (send as readonly Command[]) : [send as Command];
  return { requests: commands.map(encoded), every, timeout };
}

export interface PollerEnvironment {
  readonly clock: Clock;
  /** Rejects when the line is over. */
  readonly write: (request: Buffer) => Promise<void>;
  /** So many requests in a row had no answer; if it is over, none is asked any more. */
  readonly onUnanswered: (count: number, isOver: boolean) => void;
}

/** Asks a device again and again, one request at a time: many can have only one open. */
export class Poller {
  readonly #poll: Poll;
  readonly #environment: PollerEnvironment;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #unanswered = 0;
  /** Ends what is being waited for: an answer, or the next round. Undefined: nothing is. */
  #go: ((handled?: Promise<void>) => void) | undefined;
  #isAsking = false;

  constructor(poll: Poll, environment: PollerEnvironment) {
    this.#poll = poll;
    this.#environment = environment;
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    void this.#run().catch(() => this.stop());
  }

  stop(): void {
    this.#state = 'stopped';
    this.#go?.();
  }

  /** A frame has come: the answer, if one is waited for. The next request waits until it is handled. */
  heard(handled: Promise<void>): void {
    if (this.#isAsking) this.#go?.(handled);
  }

  async #run(): Promise<void> {
    const { clock } = this.#environment;
    const { every, requests } = this.#poll;
    while (this.#isRunning()) {
      const begun = clock.now();
      for (const request of requests) if (this.#isRunning()) await this.#ask(request);
      const left = begun + every - clock.now();
      if (left > 0 && this.#isRunning()) await this.#wait(left);
    }
  }

  async #ask(request: Buffer): Promise<void> {
    const { timeout } = this.#poll;
    const { write, onUnanswered } = this.#environment;
    this.#isAsking = true;
    const answer = this.#wait(timeout);
    await write(request);
    const answered = await answer;
    this.#isAsking = false;
    if (answered !== 'late') {
      this.#unanswered = 0;
      await answered.handled;
    } else if (this.#isRunning()) {
      const isOver = ++this.#unanswered === MOST_UNANSWERED;
      onUnanswered(this.#unanswered, isOver);
      if (isOver) this.stop();
    }
  }

  #isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Until `#go` is called, or so many milliseconds. */
  #wait(delay: number): Promise<{ readonly handled: Promise<void> | undefined } | 'late'> {
    return new Promise((resolve) => {
      const cancel = this.#environment.clock.after(delay, () => end('late'));
      const end = (how: { readonly handled: Promise<void> | undefined } | 'late') => {
        cancel();
        this.#go = undefined;
        resolve(how);
      };
      this.#go = (handled) => end({ handled });
    });
  }
}
