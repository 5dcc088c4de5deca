import { Histogram, headOf } from './metric.ts';

/** How often handlers were asked, with what outcome, and how long it took. Names come from the configuration. */
export class HandlerMetrics {
  readonly #counts = new Map<string, number>();
  readonly #times = new Map<string, Histogram>();

  add(handler: string, event: string, outcome: string, seconds: number): void {
    const labels = `handler="${handler}",event="${event}",outcome="${outcome}"`;
    this.#counts.set(labels, (this.#counts.get(labels) ?? 0) + 1);
    const times = this.#times.get(handler) ?? new Histogram();
    this.#times.set(handler, times);
    times.observe(seconds);
  }

  /** None before the first event. */
  lines(): string[] {
    if (this.#counts.size === 0) return [];
    return [
      ...headOf('zocalo_handler_events_total', 'counter', 'Events that handlers were asked or told of.'),
      ...[...this.#counts].map(([labels, count]) => `zocalo_handler_events_total{${labels}} ${count}`),
      ...headOf('zocalo_handler_seconds', 'histogram', 'From an event until its answer.'),
      ...[...this.#times].flatMap(([name, times]) => times.lines('zocalo_handler_seconds', `handler="${name}",`)),
    ];
  }
}
