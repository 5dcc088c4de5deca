import type { Connection } from '../../hub/index.ts';

/** Milliseconds until the first reader comes back to a server that restarts, as for WebSockets. */
const COME_BACK = 1_000;

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
      connection.end('SHUTTING_DOWN', undefined, Math.round(COME_BACK + spread * random()));
  }
}
