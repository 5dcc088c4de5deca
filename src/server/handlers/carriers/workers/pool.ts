import type { ErrorCode } from '../../../../errors.ts';
import type { Carrier } from '../carrier.ts';
import { Worker, type WorkerEvent, type WorkerOptions } from './worker.ts';

export interface PoolOptions extends Omit<WorkerOptions, 'waiting'> {
  /** How many processes. */
  readonly workers: number;
  /** Events that may wait, beside those that were sent: for each process its share. */
  readonly waiting: number;
}

/** Milliseconds that a program has to end. */
const STOPPING = 2_000;

/** Programs that answer events over pipes. All events of a connection go to the same one, others to the least busy. */
export class Pool implements Carrier {
  readonly #options: PoolOptions;
  readonly #workers: readonly Worker[];

  constructor(options: PoolOptions) {
    this.#options = options;
    const { workers, name } = options;
    // A share each, so that one that is slow does not use up what the others have.
    const waiting = Math.ceil(options.waiting / workers);
    this.#workers = Array.from(
      { length: workers },
      (_, at) => new Worker({ ...options, waiting, name: workers > 1 ? `${name}#${at + 1}` : name }),
    );
  }

  open(): void {
    for (const worker of this.#workers) worker.start();
  }

  /** @throws ZocaloError as `Worker.ask` does. */
  ask(event: WorkerEvent): Promise<string> {
    return this.#workerFor(event.connection).ask(event);
  }

  /** Of one that does not run: its connections get no answer. */
  trouble(): ErrorCode | undefined {
    return this.#workers.map((worker) => worker.trouble).find((code) => code !== undefined);
  }

  #workerFor(connection: string | undefined): Worker {
    const workers = this.#workers;
    if (connection !== undefined) return workers[hashOf(connection) % workers.length]!;
    return workers.reduce((least, worker) => (worker.load < least.load ? worker : least));
  }

  async close(grace: number): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(grace, resolve);
      void Promise.all(this.#workers.map((worker) => worker.settled())).then(() => {
        cancel();
        resolve();
      });
    });
    await Promise.all(this.#workers.map((worker) => worker.stop(Math.min(grace, STOPPING))));
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
