import type { FollowUps, Published } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import type { EventQueues } from '../../nodes/index.ts';
import type { News } from './backlog.ts';
import { Forgetting } from './forgetting.ts';
import { placeOf } from './webhook.ts';

/** Milliseconds for which events are collected into one call. */
const GATHER = 5;
/** Milliseconds until a failed call is tried again. */
const TRY_AGAIN = 1_000;
/** Events of each webhook that are held in memory while they cannot be stored. */
const UNSTORED = 1_000;
/** Events of each webhook that are no longer held in memory, of publications that the store remembers. */
const LEFT = 100_000;

/** A publication that the store remembers until its events are stored. */
export interface Remembered extends Published {
  /** Webhooks whose event is not stored yet. */
  webhooks: number;
}

/** An event on its way. */
export interface Outgoing extends News {
  readonly remembered?: Remembered | undefined;
}

export interface OutboxOptions {
  readonly queues: EventQueues;
  /** Undefined: the store remembers nothing. */
  readonly followUps: FollowUps | undefined;
  readonly clock: Clock;
  readonly log: { error(fields: object, sentence: string): void };
  /** Events of this webhook are stored. */
  readonly onStored: (webhook: string) => void;
}

/** Events of this process on their way into the queues of all nodes, in their order. */
export class Outbox {
  readonly #options: OutboxOptions;
  #news = new Map<string, Outgoing[]>();
  /** Events that were dropped while nothing could be stored, by webhook. */
  readonly #lost = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  readonly #forgetting: Forgetting;
  /** Events that are left to the node that leads, since one of that webhook could be stored last. */
  readonly #left = new Map<string, number>();

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#forgetting = new Forgetting(options.followUps, options.clock);
  }

  /** Whether the store may remember more publications for this process: else it would fill while nothing can be stored. */
  get mayRemember(): boolean {
    return this.#left.values().every((count) => count < LEFT);
  }

  add(news: Outgoing): void {
    const waiting = this.#news.get(news.webhook) ?? [];
    waiting.push(news);
    this.#news.set(news.webhook, waiting);
    this.#schedule(GATHER);
  }

  /** Forgets what is for other webhooks than these. */
  keepOnly(webhooks: ReadonlySet<string>): void {
    for (const [webhook, news] of this.#news) {
      if (webhooks.has(webhook)) continue;
      this.#news.delete(webhook);
      this.#settle(news);
    }
    for (const webhook of this.#left.keys()) if (!webhooks.has(webhook)) this.#left.delete(webhook);
    for (const webhook of this.#lost.keys()) if (!webhooks.has(webhook)) this.#lost.delete(webhook);
  }

  /** Stores what is there, if that is possible now. */
  async close(): Promise<void> {
    this.#cancel?.();
    this.#cancel = () => {}; // nothing is scheduled any more
    await this.#writing;
    await this.#write();
    await this.#forgetting.close();
  }

  #schedule(pause: number): void {
    if (this.#writing) return;
    this.#cancel ??= this.#options.clock.after(pause, () => {
      this.#cancel = undefined;
      this.#writing = this.#write().then((isDone) => {
        this.#writing = undefined;
        if (this.#news.size > 0) this.#schedule(isDone ? GATHER : TRY_AGAIN);
      });
    });
  }

  /** False when something could not be stored. */
  async #write(): Promise<boolean> {
    const { queues, log, onStored } = this.#options;
    const all = this.#news;
    this.#news = new Map();
    let isDone = true;
    for (const [webhook, news] of all) {
      const lost = this.#lost.get(webhook) ?? 0;
      const fields = { webhook: placeOf(webhook) };
      try {
        const { dropped } = await queues.add(webhook, news, lost);
        this.#lost.delete(webhook);
        this.#left.delete(webhook);
        this.#settle(news);
        if (dropped > 0)
          log.error({ ...fields, count: dropped }, 'too many events wait for a webhook: the oldest were dropped');
        onStored(webhook);
      } catch (error) {
        isDone = false;
        const reason = (error as Error).message;
        log.error({ ...fields, reason, count: news.length }, 'events for webhooks cannot be stored: trying again');
        const kept = [...news, ...(this.#news.get(webhook) ?? [])];
        const gone = kept.splice(0, Math.max(0, kept.length - UNSTORED)).filter(({ event }) => event !== undefined);
        this.#news.set(webhook, kept);
        const left = gone.filter(({ remembered }) => remembered).length;
        this.#left.set(webhook, (this.#left.get(webhook) ?? 0) + left);
        if (gone.length > left) this.#lost.set(webhook, lost + gone.length - left);
      }
    }
    return isDone;
  }

  /** These are stored. */
  #settle(news: readonly Outgoing[]): void {
    for (const { remembered } of news) if (remembered && --remembered.webhooks === 0) this.#forgetting.add(remembered);
  }
}
