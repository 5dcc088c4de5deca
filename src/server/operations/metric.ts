/** Prometheus' text format, version 0.0.4. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Different values of one label; further ones are counted as `other`. */
const LABEL_VALUES = 100;

/** Counters by the value of one label. */
export class Counts {
  readonly #counts = new Map<string, number>();

  add(value: string, count = 1): void {
    const known = this.#counts.has(value) || this.#counts.size < LABEL_VALUES ? value : 'other';
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + count);
  }

  get entries(): [string, number][] {
    return [...this.#counts];
  }
}

/** Seconds, from half a millisecond to ten seconds. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A histogram of durations. */
export class Histogram {
  readonly #buckets = new Float64Array(BOUNDS.length + 1);
  #sum = 0;

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket++;
    this.#buckets[bucket]!++;
    this.#sum += seconds;
  }

  /** `labels`: as they stand between the braces, like `handler="shop",`. */
  lines(name: string, labels = ''): string[] {
    let count = 0;
    const lines = [...BOUNDS, '+Inf'].map((bound, i) => {
      count += this.#buckets[i]!;
      return `${name}_bucket{${labels}le="${bound}"} ${count}`;
    });
    const own = labels && `{${labels.slice(0, -1)}}`;
    return [...lines, `${name}_sum${own} ${this.#sum}`, `${name}_count${own} ${count}`];
  }
}

/** A metric with one value, or with one for each value of a label. Empty when the value is unknown. */
export function lines(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  values: number | undefined | { label: string; entries: readonly (readonly [string, number])[] },
): string[] {
  if (values === undefined) return [];
  const head = headOf(name, type, help);
  if (typeof values === 'number') return [...head, `${name} ${values}`];
  return [...head, ...values.entries.map(([value, count]) => `${name}{${values.label}="${escaped(value)}"} ${count}`)];
}

export function headOf(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
