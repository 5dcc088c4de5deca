import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import type { Dice } from '../dice.ts';
import { Comparison } from './comparison.ts';
import { Guest } from './guests.ts';
import { API_KEY } from './node-process.ts';
import { Watcher } from './watcher.ts';

export const SQUARES = ['square:1', 'square:2'];

/** Milliseconds in which a node finds that it has missed changes: it looks every five seconds. */
const FOUND = 15_000;
/** Guests who come and go at the same time. */
const WALKERS = 3;

export interface SquareOptions {
  readonly dice: Dice;
  /** Where guests connect to. */
  readonly host: string;
  /** The ports of all nodes, and those that listen. */
  readonly ports: readonly number[];
  readonly upPorts: () => readonly number[];
  readonly guests: number;
  /** Milliseconds until presence is right after a fault. */
  readonly bound: number;
}

/** Members of some channels, who is seen by each node, and whether that is right. */
export class Square {
  readonly violations: string[] = [];
  readonly guests: readonly Guest[];
  /** The longest that presence took to be right, in milliseconds. */
  longest = 0;
  /** How many times it was looked at. */
  looks = 0;
  readonly #options: SquareOptions;
  readonly #dice: Dice;
  readonly #watchers: readonly Watcher[];
  readonly #comparison: Comparison;
  #stays: readonly number[] = [];

  constructor(options: SquareOptions) {
    const { dice, host, ports, guests } = options;
    this.#options = options;
    this.#dice = dice;
    this.guests = Array.from(
      { length: guests },
      (_, n) => new Guest(`guest ${n}`, SQUARES[n % SQUARES.length]!, n % 4 === 3, `ws://${host}`, dice.fork()),
    );
    this.#watchers = ports.map((port, at) => new Watcher(`watcher ${at}`, port, SQUARES));
    this.#comparison = new Comparison({
      watchers: this.#watchers,
      channels: SQUARES,
      missed: (at) => missedBy(ports[at]!),
      bound: FOUND,
    });
  }

  /** How many times a watcher was compared with others; `excused`: its node had missed something, or it was new. */
  get comparisons(): { readonly compared: number; readonly excused: number } {
    const { compared, excused } = this.#comparison;
    return { compared, excused };
  }

  /** The users who are connected, when all nodes are up. */
  get users(): string[] {
    const connected = this.guests.filter(({ user, isConnected }) => user !== undefined && isConnected);
    return [...connected.map(({ name }) => name), ...this.#watchers.map(({ name }) => name)];
  }

  enterAll(): void {
    for (const guest of this.guests) guest.enter();
  }

  /** All but one of each channel: a node cannot know that it has missed who came to an empty one and went. */
  get #others(): readonly Guest[] {
    return this.guests.slice(SQUARES.length);
  }

  /** Some leave, go home or come back. */
  stroll(): void {
    for (const guest of this.#others) {
      if (this.#dice.isLikely(0.7)) continue;
      if (!guest.isIn) guest.enter();
      else if (this.#dice.isLikely(0.5)) guest.leave();
      else guest.goHome();
    }
  }

  /**
   * Waits until each node says who is there, and each watcher sees it; then some go and come back at the same time. All
   * watchers must be told the same, of the fault and of that. Guests who have stayed all the time must not have left.
   * `mayBeSwept`: a node was silent for longer than its lease.
   */
  async settle(after: string, mayBeSwept: boolean): Promise<void> {
    this.looks++;
    const begun = performance.now();
    let wrong: string | undefined;
    const isRight = async () => {
      wrong = await this.#difference();
      if (wrong !== undefined) await pause(50);
      return wrong === undefined;
    };
    const { bound } = this.#options;
    await until(isRight, 'presence is right', bound).catch(() =>
      this.violations.push(`after ${after}, presence is wrong for ${bound} ms: ${wrong}`),
    );
    this.longest = Math.max(this.longest, performance.now() - begun);
    if (!mayBeSwept) this.#checkStayed(after);
    this.violations.push(...(await this.#comparison.judge(after)));
    if (wrong === undefined) await this.#walk(after);
    this.#stays = this.guests.map(({ stays }) => stays);
  }

  close(): void {
    for (const guest of this.guests) guest.goHome();
    for (const watcher of this.#watchers) {
      watcher.close();
      this.violations.push(...watcher.violations);
    }
  }

  #checkStayed(after: string): void {
    const stayed = new Set(
      this.guests.filter(({ stays, isLive }, at) => isLive && stays === this.#stays[at]).map(({ name }) => name),
    );
    for (const { name: watcher, changes } of this.#watchers)
      for (const { verb, name } of changes)
        if (verb === '-' && stayed.has(name))
          this.violations.push(`${watcher}: ${name} has left, who stayed (${after})`);
  }

  async #walk(after: string): Promise<void> {
    const walkers = this.#others.filter(({ isIn }) => isIn).slice(0, WALKERS);
    const sees = (isIn: boolean) => () =>
      this.#watchers.every((watcher) =>
        walkers.every(({ name, channel }) => watcher.names(channel)?.includes(name) === isIn),
      );
    for (const walker of walkers) walker.leave();
    const { bound } = this.#options;
    try {
      await until(sees(false), 'those who went are not seen', bound);
      for (const walker of walkers) walker.enter();
      await until(sees(true), 'those who came are seen', bound);
    } catch (error) {
      this.violations.push(`after ${after}: ${(error as Error).message}`);
    }
    this.violations.push(...(await this.#comparison.judge(`${after}, when some went and came`, 2 * walkers.length)));
  }

  /** What is not as it should be. Undefined: all is right. */
  async #difference(): Promise<string | undefined> {
    for (const guest of this.guests) if (guest.isIn && !guest.isLive) return guest.trouble;
    for (const channel of SQUARES) {
      const names = this.guests.filter((guest) => guest.isIn && guest.channel === channel).map(({ name }) => name);
      const right = JSON.stringify(names.sort());
      for (const watcher of this.#watchers) {
        const seen = JSON.stringify(watcher.names(channel));
        if (seen !== right) return `${watcher.name} sees ${seen} in ${channel}, and not ${right}`;
      }
      for (const port of this.#options.upPorts()) {
        const seen = JSON.stringify(await namesAt(port, channel));
        if (seen !== right) return `a node says ${seen} of ${channel}, and not ${right}`;
      }
    }
    return undefined;
  }
}

/** Who is in a channel by the HTTP API of a node, sorted. Undefined when it does not say. */
async function namesAt(port: number, channel: string): Promise<string[] | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/presence?channel=${channel}`, {
      headers: { authorization: `Bearer ${API_KEY}`, connection: 'close' },
      signal: AbortSignal.timeout(5_000),
    });
    const { members } = (await response.json()) as { members?: { data: string }[] };
    return members?.map(({ data }) => data).sort();
  } catch {
    return undefined;
  }
}

/** How many times a node has missed changes of channels. Undefined when it does not say. */
async function missedBy(port: number): Promise<number | undefined> {
  try {
    const headers = { connection: 'close' };
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers, signal: AbortSignal.timeout(5_000) });
    const count = /^zocalo_membership_repairs_total\{kind="members"\} (\d+)$/m.exec(await response.text());
    return response.ok ? Number(count?.[1] ?? 0) : undefined;
  } catch {
    return undefined;
  }
}
