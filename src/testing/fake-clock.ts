import type { Clock } from '../clock.ts';

interface Timer {
  at: number;
  period: number;
  action: () => void;
}

/** A clock that stands still until a test says `advance`. */
export class FakeClock implements Clock {
  #now = 0;
  #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(delay: number, action: () => void): () => void {
    return this.#add({ at: this.#now + delay, period: 0, action });
  }

  every(period: number, action: () => void): () => void {
    return this.#add({ at: this.#now + period, period, action });
  }

  /** How many timers wait: a leak shows here. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due; undefined when none waits. */
  get next(): number | undefined {
    return this.#first(Infinity)?.at;
  }

  /** Moves on by `milliseconds`, running what falls due in order of time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#first(end);
      if (!next) break;
      this.#now = next.at;
      if (next.period > 0) next.at += next.period;
      else this.#timers.delete(next);
      next.action();
    }
    this.#now = end;
  }

  #first(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= end && (!next || timer.at < next.at)) next = timer;
    return next;
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
