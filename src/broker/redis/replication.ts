import { ZocaloError } from '../../errors.ts';
import type { Appended } from './link.ts';

/** Waits until enough replicas have what was written; one question to a server for all that is written in one turn. */
export class Replication {
  readonly #place: string;
  readonly #replicas: number;
  /** Milliseconds. */
  readonly #patience: number;
  readonly #asking = new Map<Appended['server'], Promise<void>>();

  constructor(place: string, replicas: number, patience: number) {
    this.#place = place;
    this.#replicas = replicas;
    this.#patience = patience;
  }

  /** Undefined when no replica has to. Rejects with LOG_FAILED. */
  confirm(server: Appended['server']): Promise<void> | undefined {
    if (this.#replicas === 0) return undefined;
    let asking = this.#asking.get(server);
    if (!asking) {
      asking = new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#ask(server));
      this.#asking.set(server, asking);
    }
    return asking;
  }

  async #ask(server: Appended['server']): Promise<void> {
    this.#asking.delete(server);
    const count = Number(await server.call('wait', this.#replicas, this.#patience));
    if (count >= this.#replicas) return;
    throw new ZocaloError('LOG_FAILED', `${this.#place}: ${count} of ${this.#replicas} replicas have it`, {
      advice: 'it is stored, and may be lost in a failover: check the replicas; repeating this with its key is safe',
    });
  }
}
