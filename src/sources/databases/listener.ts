import { Attempts, type AttemptsOptions, Pause } from './attempts.ts';
import type { Session } from './session.ts';

/** Milliseconds between two questions that a lost connection does not answer. */
const CHECK = 5_000;

export interface ListenerOptions extends AttemptsOptions {
  /** Connects, and listens. `onWake`: the database tells that rows may be there. */
  readonly open: (onWake: () => void) => Promise<Session>;
  readonly onWake: () => void;
}

/**
 * A connection that only hears of new rows, for a database whose other connections go through a pooler that passes no
 * notifications on. While it is lost, rows are found by polling.
 */
export class NotificationListener {
  readonly #options: ListenerOptions;
  readonly #attempts: Attempts;
  readonly #pause: Pause;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#attempts = new Attempts(options);
    this.#pause = new Pause(options.clock);
  }

  /** Failures since the start. */
  get failures(): number {
    return this.#attempts.failures;
  }

  /** Begins, and does not wait for the database. */
  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    this.#pause.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { open, onWake } = this.#options;
    while (!this.#isStopped) {
      let session: Session | undefined;
      try {
        session = await open(onWake);
        this.#attempts.recovered();
        // What came before is not told of.
        onWake();
        while (!this.#isStopped) {
          await this.#pause.wait(CHECK);
          if (!this.#isStopped) await session.query('SELECT 1');
        }
      } catch (error) {
        if (!this.#isStopped) await this.#pause.wait(this.#attempts.failed(error));
      } finally {
        session?.close();
      }
    }
  }
}
