import type { Clock } from '../../clock.ts';
import type { Client } from './driver.ts';
import { type Feed, type FeedOptions, SingleFeed } from './feed.ts';
import { Probe } from './probe.ts';

export interface ProbedFeedOptions extends FeedOptions {
  readonly clock: Clock;
  /** Milliseconds of silence after which the subscriptions are probed. */
  readonly period: number;
  /** The topic of the probes. */
  readonly always: string;
  /** Publishes a probe. Rejects when there is no connection for it. */
  readonly send: () => Promise<unknown>;
}

/** One connection with subscriptions that is made anew when it hears nothing, not even a probe. */
export class ProbedFeed implements Feed {
  readonly #feed: SingleFeed;
  readonly #probe: Probe;

  constructor(client: Client, options: ProbedFeedOptions) {
    const { clock, period, always, send, onMessage } = options;
    this.#feed = new SingleFeed(client, {
      ...options,
      onMessage: (topic, message) => {
        this.#probe.hear();
        if (topic !== always) onMessage(topic, message);
      },
    });
    this.#probe = new Probe({ clock, period, send, rebuild: () => this.#feed.rebuild() });
  }

  get isHere(): boolean {
    return this.#feed.isHere;
  }

  get isDeaf(): boolean {
    return this.#probe.isDeaf;
  }

  open(): Promise<void> {
    this.#probe.start();
    return this.#feed.open();
  }

  add(topics: readonly string[], isGlob = false): Promise<void> {
    return this.#feed.add(topics, isGlob);
  }

  remove(topics: readonly string[], isGlob = false, isGone = false): void {
    this.#feed.remove(topics, isGlob, isGone);
  }

  /** Subscribes to everything again. */
  repeat(): Promise<void> {
    return this.#feed.repeat();
  }

  /** The connection is made anew. */
  renew(): void {
    this.#feed.rebuild();
  }

  close(): void {
    this.#probe.stop();
    this.#feed.close();
  }
}
