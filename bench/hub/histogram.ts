/** Counts of durations, to a tenth of a millisecond. */
export class Histogram {
  /** The last one counts everything longer. */
  readonly #counts = new Uint32Array(100_001);
  #total = 0;

  add(milliseconds: number): void {
    this.#counts[Math.min(this.#counts.length - 1, Math.floor(milliseconds * 10))]!++;
    this.#total++;
  }

  get total(): number {
    return this.#total;
  }

  /** Milliseconds below which this share of the durations is; NaN without durations. */
  percentile(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (let at = 0; at < this.#counts.length && this.#total > 0; at++) {
      left -= this.#counts[at]!;
      if (left <= 0) return (at + 1) / 10;
    }
    return Number.NaN;
  }
}
