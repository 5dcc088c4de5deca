import type { Clock } from '../clock.ts';

/** Something with one deadline at a time. */
export interface Timed {
  /** Called at the deadline; returns the milliseconds to the next one, or 0 for none. */
  onDeadline(): number;
  /** Used by the wheel: the slot of the item. */
  slot: Set<Timed> | null;
  /** Used by the wheel: the round in which the deadline is due. */
  due: number;
}

const SLOTS = 256;

/**
 * One timer for all connections of a server. A deadline is accurate to the tick: it fires on time or up to one tick
 * early.
 */
export class TimerWheel {
  /** Ticks since the start. Connections note it when they receive, which is cheaper than reading a clock. */
  now = 0;
  /** Milliseconds. */
  readonly tick: number;
  readonly #clock: Clock;
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Timed>());
  #waiting = 0;
  #stop: (() => void) | null = null;

  constructor(clock: Clock, tick: number) {
    this.#clock = clock;
    this.tick = tick;
  }

  /** Milliseconds by the clock, even while nothing waits and `now` stands still. */
  get time(): number {
    return this.#clock.now();
  }

  /** Milliseconds in whole ticks, at least one. */
  ticks(milliseconds: number): number {
    return Math.max(1, Math.floor(milliseconds / this.tick));
  }

  /** Sets the item's deadline, replacing an earlier one. */
  schedule(item: Timed, milliseconds: number): void {
    this.cancel(item);
    item.due = this.now + this.ticks(milliseconds);
    item.slot = this.#slots[item.due % SLOTS]!;
    item.slot.add(item);
    this.#waiting++;
    this.#stop ??= this.#clock.every(this.tick, () => this.#turn());
  }

  cancel(item: Timed): void {
    if (!item.slot) return;
    item.slot.delete(item);
    item.slot = null;
    this.#waiting--;
  }

  #turn(): void {
    this.now++;
    for (const item of [...this.#slots[this.now % SLOTS]!]) {
      if (item.due > this.now || !item.slot) continue;
      this.cancel(item);
      const next = item.onDeadline();
      if (next > 0) this.schedule(item, next);
    }
    if (this.#waiting === 0) {
      this.#stop?.();
      this.#stop = null;
    }
  }
}

/**
 * A tick for the shortest of the given times in milliseconds: an eighth of it, at least 5 ms and at most half a second.
 */
export function tickFor(...times: number[]): number {
  const shortest = Math.min(...times.filter((time) => time > 0));
  return Math.min(500, Math.max(5, Math.floor(shortest / 8)));
}
