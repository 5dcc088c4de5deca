import type { Clock } from '../clock.ts';

/** Something with one deadline at a time. */
export interface Timed {
  /** Called at the deadline; answers the milliseconds to the next one, or 0 for none. */
  onDeadline(): number;
  /** The wheel's own note of where the item stands. */
  slot: Set<Timed> | null;
  /** The wheel's own note of the turn at which the deadline falls. */
  due: number;
}

const SLOTS = 256;

/**
 * One timer for all the connections of a server, however many. A deadline is kept to the tick: it fires at its
 * time or up to one tick before.
 */
export class TimerWheel {
  /** Ticks since the start: connections note it when they hear from their peer, which is cheaper than a clock. */
  now = 0;
  /** Milliseconds. */
  readonly tick: number;
  readonly #clock: Clock;
  readonly #slots: Set<Timed>[] = [];
  #waiting = 0;
  #stop: (() => void) | null = null;

  constructor(clock: Clock, tick: number) {
    this.#clock = clock;
    this.tick = tick;
    for (let i = 0; i < SLOTS; i++) this.#slots.push(new Set());
  }

  /** Milliseconds by the clock, also while nothing waits and `now` stands still. */
  get time(): number {
    return this.#clock.now();
  }

  /** Milliseconds in whole ticks, at least one. */
  ticks(milliseconds: number): number {
    return Math.max(1, Math.floor(milliseconds / this.tick));
  }

  /** Sets the item's deadline, in place of the one it had. */
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

/** A tick fine enough for the shortest of some times in milliseconds: an eighth of it, within 5 ms and half a second. */
export function tickFor(...times: number[]): number {
  const shortest = Math.min(...times.filter((time) => time > 0));
  return Math.min(500, Math.max(5, Math.floor(shortest / 8)));
}
