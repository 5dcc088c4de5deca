import type { Clock } from '../../clock.ts';
import type { RedisHost } from './addresses.ts';
import type { Client } from './driver.ts';

export interface SentinelWatchOptions {
  readonly clock: Clock;
  readonly hosts: readonly RedisHost[];
  /** The name that the sentinels have for the primary. */
  readonly name: string;
  /** A connection to one sentinel, which is not opened yet. */
  readonly clientOf: (host: RedisHost) => Client;
  /** Called when another server is the primary than before. */
  readonly onChange: () => void;
}

/** Milliseconds between two questions. */
const PERIOD = 1_000;

/**
 * Asks the sentinels who the primary is, one of them at a time. A client that still has a connection to an old primary that is
 * cut off from the others learns of it here, and by nothing else: it goes on taking publications which will be lost.
 */
export class SentinelWatch {
  readonly #options: SentinelWatchOptions;
  #stop = (): void => {};
  #client: Client | undefined;
  #next = 0;
  #isAsking = false;
  #known: string | undefined;

  constructor(options: SentinelWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stop = this.#options.clock.every(PERIOD, () => void this.#look());
  }

  stop(): void {
    this.#stop();
    this.#leave();
  }

  async #look(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const client = this.#client ?? (await this.#join());
      const answer = await client.call('sentinel', ['get-master-addr-by-name', this.#options.name]);
      if (!Array.isArray(answer)) return;
      const named = answer.join(':');
      const isOther = this.#known !== undefined && this.#known !== named;
      this.#known = named;
      if (isOther) this.#options.onChange();
    } catch {
      this.#leave(); // the next look asks another one
    } finally {
      this.#isAsking = false;
    }
  }

  async #join(): Promise<Client> {
    const { hosts, clientOf } = this.#options;
    const client = clientOf(hosts[this.#next++ % hosts.length]!);
    client.on('error', () => {}); // the call rejects as well
    this.#client = client;
    await client.connect();
    return client;
  }

  #leave(): void {
    this.#client?.disconnect();
    this.#client = undefined;
  }
}
