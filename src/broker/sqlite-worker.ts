/** The thread that owns a database: what SQLite waits for does not block the program's event loop. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Moment } from './log-time.ts';
import { failureOf } from './sqlite-failure.ts';
import type { Failure, FromStore, Outcome, StoreOptions, ToStore } from './sqlite-messages.ts';

const port = parentPort!;
const options = workerData as StoreOptions;
const answer = (message: FromStore) => port.postMessage(message);

try {
  // Loaded here, so that a Node built without SQLite is refused with a message too.
  const { SqliteStore } = await import('./sqlite-store.ts');
  const store = new SqliteStore(options);
  let sweeping = false;
  let moment: Moment;

  const sweep = () => {
    sweeping = store.sweep(moment);
    // Batches that arrived meanwhile go first.
    if (sweeping) setImmediate(sweep);
  };

  const outcomesOf = ({ moment, operations }: ToStore & { kind: 'batch' }): Outcome[] => {
    try {
      return store.batch(moment, operations);
    } catch (error) {
      const failure = failureOf(options.path, error);
      return operations.map(() => failure);
    }
  };

  port.on('message', (message: ToStore) => {
    if (message.kind === 'batch') {
      answer({ kind: 'done', outcomes: outcomesOf(message) });
    } else if (message.kind === 'sweep') {
      moment = message.moment;
      if (!sweeping) sweep();
    } else {
      store.close();
      process.exit();
    }
  });
  answer({ kind: 'ready', newest: store.newest, seed: store.seed });
} catch (error) {
  const isFailure = !(error instanceof Error) && typeof error === 'object' && error !== null && 'happened' in error;
  answer({ kind: 'refused', failure: isFailure ? (error as Failure) : failureOf(options.path, error) });
}
