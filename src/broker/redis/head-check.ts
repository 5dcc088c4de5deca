import type { Clock } from '../../clock.ts';
import type { Heard } from './heard.ts';

/** Milliseconds that the announcement of an entry which is in the log may still take. */
const GRACE = 250;
/** Channels in one question. */
const BATCH = 256;
/** Channels that one round asks for, so that a process with very many watches costs the server little. */
const ROUND = 25_000;

export interface HeadCheckOptions {
  readonly clock: Clock;
  /** Milliseconds between two rounds. */
  readonly period: number;
  readonly heard: Heard;
  /** Epoch and head of logs; undefined for one that does not exist. */
  readonly headsOf: (channels: readonly string[]) => Promise<readonly (readonly [string, number] | undefined)[]>;
  /** Reads from the log what the listeners were not told. */
  readonly repair: (channel: string) => Promise<void>;
}

/**
 * PUB/SUB loses what was published while a connection was down, or too slow. The next publication would show it as a
 * missing offset; nothing shows that the last one is missing. So the heads of all watched logs are compared with what
 * was heard: every few seconds, and whenever subscriptions were made again. A process that was stopped looks when it
 * goes on, since the timer is overdue.
 */
export class HeadCheck {
  readonly #options: HeadCheckOptions;
  #stop = (): void => {};
  #checking: Promise<void> | undefined;
  #again = false;
  #next = 0;

  constructor(options: HeadCheckOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stop = this.#options.clock.every(this.#options.period, () => void this.check(ROUND));
  }

  stop(): void {
    this.#stop();
    this.#again = false;
  }

  /** Looks at up to so many channels; never rejects: what fails is looked at in the next round. */
  check(most = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#checking && most > ROUND) this.#again = true;
    this.#checking ??= this.#round(most).finally(() => {
      this.#checking = undefined;
      if (!this.#again) return;
      this.#again = false;
      void this.check();
    });
    return this.#checking;
  }

  async #round(most: number): Promise<void> {
    const all = [...this.#options.heard.watched.keys()];
    const from = all.length <= most ? 0 : this.#next % all.length;
    const channels = all.length <= most ? all : [...all, ...all].slice(from, from + most);
    this.#next = from + channels.length;
    try {
      const behind = await this.#behind(channels);
      if (behind.length === 0) return;
      await new Promise<void>((resolve) => this.#options.clock.after(GRACE, resolve));
      for (const channel of await this.#behind(behind)) await this.#options.repair(channel);
    } catch {
      // The store is away: its return is a reason to check again.
    }
  }

  /** The channels whose log has more than was heard. */
  async #behind(channels: readonly string[]): Promise<string[]> {
    const { heard, headsOf } = this.#options;
    const behind: string[] = [];
    for (let at = 0; at < channels.length; at += BATCH) {
      const batch = channels.slice(at, at + BATCH);
      const heads = await headsOf(batch);
      for (const [index, channel] of batch.entries()) {
        const head = heads[index];
        const told = heard.watched.get(channel);
        if (head && told && (head[0] !== told.epoch ? head[1] > 0 : head[1] > told.head)) behind.push(channel);
      }
    }
    return behind;
  }
}
