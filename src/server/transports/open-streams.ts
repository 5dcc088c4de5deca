import type { Connection } from '../../hub/index.ts';
import { comeBack } from './come-back.ts';

/** The event streams that are open, so that a daemon that stops can tell them before their server closes. */
export class OpenStreams {
  readonly #connections = new Set<Connection>();

  get size(): number {
    return this.#connections.size;
  }

  /** The answer takes it away again. */
  add(connection: Connection): () => void {
    this.#connections.add(connection);
    return () => this.#connections.delete(connection);
  }

  /** Ends each with SHUTTING_DOWN, and lets it come back within `spread` milliseconds, at a random moment. */
  end(spread: number, random: () => number = Math.random): void {
    for (const connection of [...this.#connections])
      connection.end('SHUTTING_DOWN', undefined, comeBack(spread, random));
  }
}
