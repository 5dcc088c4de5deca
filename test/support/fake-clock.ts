import type { Clock } from '../../src/clock.ts';

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

  /** Moves on by `milliseconds`, running what falls due in order of time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.#timers) if (timer.at <= end && (!next || timer.at < next.at)) next = timer;
      if (!next) break;
      this.#now = next.at;
      if (next.period > 0) next.at += next.period;
      else this.#timers.delete(next);
      next.action();
    }
    this.#now = end;
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
