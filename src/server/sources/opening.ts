import type { ZocaloError } from '../../errors.ts';
import { toZocaloError } from '../../stream/index.ts';
import type { SourceParts } from './source.ts';

/** Milliseconds: the first pause before an address is tried again that cannot be listened on, and the longest. */
const PAUSE = { first: 1_000, longest: 30_000 } as const;

export interface OpeningOptions extends Pick<SourceParts, 'log' | 'metrics' | 'clock'> {
  readonly source: string;
  readonly place: string;
  /** Returns where it listens. @throws while that cannot be. */
  readonly open: () => Promise<readonly string[]>;
}

/** Opens a source, and tries again while that fails. */
export class Opening {
  readonly #options: OpeningOptions;
  #phase: 'opening' | 'open' | 'stopped' = 'opening';
  #running: Promise<void> = Promise.resolve();
  #error: ZocaloError | undefined;
  #failures = 0;
  #endPause = (): void => {};

  constructor(options: OpeningOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** Why it is not open. */
  get error(): ZocaloError | undefined {
    return this.#error;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Resolves when the first attempt is over. */
  start(): Promise<void> {
    const first = Promise.withResolvers<void>();
    this.#running = this.#run(first.resolve);
    return first.promise;
  }

  /** Tries no more. Resolves when the last attempt is over, which may have succeeded. */
  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#endPause();
    await this.#running;
  }

  async #run(tried: () => void): Promise<void> {
    for (let pause: number = PAUSE.first; this.#phase === 'opening'; pause = Math.min(2 * pause, PAUSE.longest)) {
      try {
        this.#opened(await this.#options.open());
        tried();
        return;
      } catch (error) {
        const paused = this.#failed(error, pause);
        tried();
        await paused;
      }
    }
  }

  #opened(addresses: readonly string[]): void {
    const { log, source } = this.#options;
    if (this.#phase === 'opening') this.#phase = 'open';
    const sentence = this.#error ? 'a source works again' : 'a source is open';
    // Where a device is dialled, nothing is open yet.
    if (addresses.length > 0) log.write('info', `source ${source} opens`, { source, addresses }, sentence);
    this.#error = undefined;
  }

  async #failed(error: unknown, pause: number): Promise<void> {
    const { log, metrics, clock, source, place } = this.#options;
    const err = toZocaloError(error, place);
    this.#error = err;
    this.#failures++;
    metrics.failed(err);
    log.write('error', `source ${source}`, { source, err, again: pause }, 'a source failed');
    if (this.#phase !== 'opening') return;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(pause, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }
}
