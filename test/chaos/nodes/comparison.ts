import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import type { Change } from './watcher.ts';

/** A watcher, as far as it is compared with others. */
export interface Compared {
  readonly name: string;
  /** The connections that it has had. */
  readonly lives: number;
  /** What it was told since the last judgement. */
  changes: Change[];
}

export interface ComparisonOptions {
  readonly watchers: readonly Compared[];
  readonly channels: readonly string[];
  /** How many times the node of the watcher at this index has missed changes. Undefined: it does not say. */
  readonly missed: (at: number) => Promise<number | undefined>;
  /** Milliseconds until all must have been told the same. Longer than a node needs to find that it has missed something. */
  readonly bound: number;
  /** Milliseconds in which nobody is told anything, when all has been told. Default 250. */
  readonly calm?: number;
}

/** What makes a watcher comparable with others. */
interface State {
  readonly lives: number;
  readonly missed: number | undefined;
}

/**
 * Whether watchers on different nodes are told the same of who comes and goes, in the same order. Only who has connected
 * anew, or whose node has counted that it missed changes, may have been told otherwise.
 */
export class Comparison {
  /** How many times a watcher could be compared, and how many times not. */
  compared = 0;
  excused = 0;
  readonly #options: ComparisonOptions;
  #before: readonly State[] = [];

  constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  /**
   * Judges what was told since the last judgement: returns what is wrong. `count`: of the changes that there must be.
   */
  async judge(after: string, count?: number): Promise<string[]> {
    const { watchers, bound, calm = 250 } = this.#options;
    let states: State[] = [];
    let exact: Compared[] = [];
    let wrong: string[] = [];
    const isRight = async () => {
      states = await Promise.all(
        watchers.map(async ({ lives }, at) => ({ lives, missed: await this.#options.missed(at) })),
      );
      const told = watchers.map(({ changes }) => changes.length);
      await pause(calm);
      exact = watchers.filter(({ lives }, at) => lives === states[at]!.lives && this.#isSame(states, at));
      wrong = this.#differences(exact, count);
      return wrong.length === 0 && watchers.every(({ changes }, at) => changes.length === told[at]);
    };
    await until(isRight, 'all are told the same', bound).catch(() => {
      if (wrong.length === 0) wrong.push('changes are told without an end');
    });
    // Without a pause between the last look and this, so that nothing is missing from both.
    this.#before = states;
    this.compared += exact.length;
    this.excused += watchers.length - exact.length;
    for (const watcher of watchers) watcher.changes = [];
    return wrong.map((what) => `after ${after}, ${what}`);
  }

  #isSame(states: readonly State[], at: number): boolean {
    const [before, now] = [this.#before[at], states[at]!];
    return now.missed !== undefined && before?.missed === now.missed && before.lives === now.lives;
  }

  #differences(exact: readonly Compared[], count: number | undefined): string[] {
    const [first, ...others] = exact;
    if (!first) return [];
    const wrong: string[] = [];
    if (count !== undefined && first.changes.length !== count)
      wrong.push(`there must be ${count} changes, and ${first.name} was told ${this.#written(first)}`);
    const right = this.#written(first);
    for (const other of others) {
      const told = this.#written(other);
      if (told !== right)
        wrong.push(`${other.name} was told ${told}, and ${first.name} ${right}, though neither node missed anything`);
    }
    return wrong;
  }

  #written({ changes }: Compared): string {
    const ofChannel = (channel: string) => changes.filter((change) => change.channel === channel);
    return this.#options.channels
      .map((channel) => ofChannel(channel).map(({ verb, name }) => verb + name))
      .map((told) => told.join(' ') || 'nothing')
      .join('; ');
  }
}
