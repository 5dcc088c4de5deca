/** Durations of calls, in milliseconds. */
export class Latencies {
  readonly #all: number[] = [];

  add(milliseconds: number): void {
    this.#all.push(milliseconds);
  }

  get count(): number {
    return this.#all.length;
  }

  /** Those below which half of the calls, and 99 of 100, are. */
  summary(): { p50: number; p99: number } {
    const sorted = Float64Array.from(this.#all).sort();
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }
}
