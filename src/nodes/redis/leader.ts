import { type RedisAccess, scriptOf } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import type { Leading } from '../queues.ts';
import { clusterNames } from './names.ts';

/** KEYS: who leads. ARGV: the node, milliseconds that it leads without asking again; 0: it leads no more. */
const LEAD_SCRIPT = scriptOf(`
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

export interface LeaderOptions {
  readonly access: RedisAccess;
  readonly clock: Clock;
  /** Milliseconds that a node leads without a sign of life. */
  readonly lease: number;
  /** Names this process. */
  readonly origin: string;
}

/** One of the nodes, which does what only one should do. Two may believe it for a moment: what they do must bear that. */
export class Leader {
  readonly #options: LeaderOptions;
  readonly #name: string;
  readonly #leading: Leading;
  #stop = (): void => {};
  #cancelLoss = (): void => {};
  #isLeading = false;
  #isClosed = false;
  /** Until when another node has the first chance, by the clock of this process. */
  #waits = 0;

  constructor(name: string, leading: Leading, options: LeaderOptions) {
    this.#name = name;
    this.#leading = leading;
    this.#options = options;
  }

  start(): void {
    const { clock, lease } = this.#options;
    this.#stop = clock.every(lease * 0.3, () => {
      if (clock.now() >= this.#waits) void this.#try();
    });
    void this.#try();
  }

  /**
   * The store was away, and may have forgotten who leads: the node that has led goes on, since only that node knows what the store
   * may have lost. Never rejects.
   */
  async back(): Promise<void> {
    const { clock, lease } = this.#options;
    if (!this.#isLeading) this.#waits = clock.now() + lease * 0.5;
    else {
      await this.#try();
      if (this.#isLeading) this.#leading.onBack();
    }
  }

  /** Another node may lead at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    const wasLeading = this.#isLeading;
    this.#lose();
    if (wasLeading) await this.#ask(0).catch(() => {}); // its time ends anyway
  }

  async #try(): Promise<void> {
    const { clock, lease } = this.#options;
    const asked = clock.now();
    let leads: boolean;
    try {
      leads = Number(await this.#ask(lease)) === 1;
    } catch {
      return; // Redis is away: the time goes on
    }
    if (this.#isClosed) return;
    if (!leads) {
      this.#lose();
      return;
    }
    this.#cancelLoss();
    this.#cancelLoss = clock.after(Math.max(0, lease - (clock.now() - asked)), () => this.#lose());
    if (this.#isLeading) return;
    this.#isLeading = true;
    this.#leading.onGained();
  }

  #lose(): void {
    this.#cancelLoss();
    if (!this.#isLeading) return;
    this.#isLeading = false;
    this.#leading.onLost();
  }

  #ask(lease: number): Promise<unknown> {
    const { access, origin } = this.#options;
    const { partition, base } = clusterNames(access);
    return access.run(partition, LEAD_SCRIPT, [`${base}:leader:${this.#name}`], [origin, Math.ceil(lease)]);
  }
}
