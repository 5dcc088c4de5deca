interface Job {
  readonly key: string | undefined;
  readonly start: () => void;
  readonly refuse: (reason: Error) => void;
}

export interface TurnsOptions {
  /** How much work goes on at once. */
  readonly atOnce: number;
  /** How much may wait. Beyond that, the key of which most waits gives way. */
  readonly waiting: number;
  /** What `run` rejects with then. */
  readonly refusal: () => Error;
}

/** Runs the work of one key in its order, one after the other, and that of different keys side by side. */
export class Turns {
  readonly #options: TurnsOptions;
  /** What waits behind work of the same key that runs or is ready. */
  readonly #behind = new Map<string, Job[]>();
  #ready: Job[] = [];
  #running = 0;
  #waiting = 0;
  #idle: (() => void)[] = [];

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Rejects as `work` does, or with the refusal. Without a key the order does not matter. */
  async run<T>(key: string | undefined, work: () => Promise<T>): Promise<T> {
    const behind = key === undefined ? undefined : this.#behind.get(key);
    const mustWait = behind !== undefined || this.#running >= this.#options.atOnce;
    if (mustWait && this.#waiting >= this.#options.waiting) this.#makeRoom(behind?.length ?? 0);
    if (key !== undefined && !behind) this.#behind.set(key, []);
    if (mustWait) {
      this.#waiting++;
      await new Promise<void>((start, refuse) => (behind ?? this.#ready).push({ key, start, refuse }));
    } else this.#running++;
    try {
      return await work();
    } finally {
      this.#finish(key);
    }
  }

  /** Resolves when nothing runs and nothing waits. */
  settled(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Refuses the last work of another key, if that has more than this one would have. @throws the refusal. */
  #makeRoom(own: number): void {
    let longest: Job[] = [];
    for (const line of this.#behind.values()) if (line.length > longest.length) longest = line;
    if (longest.length <= own + 1) throw this.#options.refusal();
    this.#waiting--;
    longest.pop()!.refuse(this.#options.refusal());
  }

  #finish(key: string | undefined): void {
    this.#running--;
    if (key !== undefined) {
      const next = this.#behind.get(key)!.shift();
      if (next) this.#ready.push(next);
      else this.#behind.delete(key);
    }
    while (this.#running < this.#options.atOnce && this.#ready.length > 0) {
      this.#running++;
      this.#waiting--;
      this.#ready.shift()!.start();
    }
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
