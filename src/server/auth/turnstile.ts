import { ProtocolError } from '../../protocol/index.ts';

/** Milliseconds after which it may be tried again when too many wait. */
const COME_BACK = 2_000;

/** So many at once, and so many more who wait: for work that costs much, or that somebody else does slowly. */
export class Turnstile {
  readonly #atOnce: number;
  readonly #most: number;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number, most: number) {
    this.#atOnce = atOnce;
    this.#most = most;
  }

  /** @throws ProtocolError UNAVAILABLE when too many wait; and as `work`. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#atOnce) this.#inside++;
    else if (this.#waiting.length < this.#most) await new Promise<void>((go) => this.#waiting.push(go));
    else throw new ProtocolError('UNAVAILABLE', 'too many want to come in just now', COME_BACK);
    try {
      return await work();
    } finally {
      // The place goes over to the next one.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside--;
    }
  }
}
