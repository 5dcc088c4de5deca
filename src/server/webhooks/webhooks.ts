import { type Clock, systemClock } from '../../clock.ts';
import type { Hub, Taken } from '../../hub/index.ts';
import type { WebhookConfig } from '../config/index.ts';
import { ThrottledLog } from '../operations/index.ts';
import type { Change } from '../part.ts';
import { Backlog, type News } from './backlog.ts';
import type { DeliveryParts } from './delivery.ts';
import { Subscriber } from './subscriber.ts';
import { placeOf, publishedText } from './webhook.ts';

export interface WebhooksOptions {
  readonly log: DeliveryParts['log'] & { error(fields: object, sentence: string): void };
  /** The file in which events wait until they are delivered. Without it, they are in memory, and lost with the process. */
  readonly file?: string | undefined;
  readonly clock?: Clock;
  readonly now?: () => number;
  readonly random?: () => number;
}

/** Milliseconds for which events are collected into one write to the backlog. */
const GATHER = 5;
/** Milliseconds that users have to return after a restart, before they are reported offline. */
export const RESTART = 60_000;

/** Milliseconds until a failed write is tried again. */
const TRY_AGAIN = 1_000;
const MINUTE = 60_000;
/** Events that are held in memory while they cannot be stored. */
const UNSTORED = 1_000;

/**
 * Notifies the application of what happens in a hub: at least once, in order, and without slowing anything down. See
 * docs/operations.md for what is sent.
 *
 * @example
 * const webhooks = new Webhooks(hub, config.webhooks, { log, file: 'zocalo.db-webhooks' });
 * await webhooks.open();
 */
export class Webhooks {
  readonly #hub: Hub;
  readonly #configs: readonly WebhookConfig[]; // at the start
  readonly #log: WebhooksOptions['log'];
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #backlog: Backlog;
  #subscribers: readonly Subscriber[] = [];
  /** Events collected for the next write. */
  #news: News[] = [];
  #cancelWrite: (() => void) | undefined;
  /** Events dropped while nothing could be stored, by webhook. */
  readonly #lost = new Map<string, number>();
  /** Events dropped since the last log line about it, by webhook. */
  readonly #dropped = new Map<string, { count: number; cancel: () => void }>();
  #stopObserving = (): void => {};
  /** Settles when removed webhooks are closed and their events deleted. */
  #leaving: Promise<unknown> = Promise.resolve();

  /** Of several webhooks with the same URL, the last one counts. */
  constructor(hub: Hub, webhooks: readonly WebhookConfig[], options: WebhooksOptions) {
    const { log, file, clock = systemClock, now = Date.now, random = Math.random } = options;
    this.#hub = hub;
    this.#configs = webhooks;
    this.#log = throttled(log, clock);
    this.#clock = clock;
    this.#now = now;
    this.#random = random;
    this.#backlog = new Backlog(file, now);
  }

  /** Call once. Continues where the last process stopped. @throws ZocaloError STORE_FAILED. */
  async open(): Promise<void> {
    (await this.prepare(this.#configs)).commit();
    this.#stopObserving = this.#hub.observe({
      onOnline: (user) => this.#change('user', user, true),
      onOffline: (user) => this.#change('user', user, false),
      onOccupied: (channel) => this.#change('channel', channel, true),
      onVacated: (channel) => this.#change('channel', channel, false),
      onPublished: (taken) => this.#published(taken),
    });
  }

  /**
   * Prepares other webhooks while everything keeps running. A webhook whose URL stays keeps its waiting events, its
   * state, and its place in the order. The events of a removed one are deleted. @throws ZocaloError STORE_FAILED.
   */
  async prepare(webhooks: readonly WebhookConfig[]): Promise<Required<Change>> {
    await this.#leaving;
    const known = new Map(this.#subscribers.map((subscriber) => [subscriber.url, subscriber]));
    const configs = new Map(webhooks.map((webhook) => [webhook.url, webhook]));
    if (configs.size > 0 && !this.#backlog.isOpen) this.#backlog.open();
    this.#backlog.admit([...configs.keys()]);
    const fresh = new Map<string, Subscriber>();
    for (const [url, config] of configs) if (!known.has(url)) fresh.set(url, this.#newSubscriber(config));
    return {
      commit: () => this.#use(configs, known, fresh),
      discard: () => this.#forgetOthers(),
    };
  }

  #use(
    configs: ReadonlyMap<string, WebhookConfig>,
    known: ReadonlyMap<string, Subscriber>,
    fresh: ReadonlyMap<string, Subscriber>,
  ): void {
    this.#flush();
    const gone = [...known.values()].filter(({ url }) => !configs.has(url));
    this.#subscribers = [...configs.keys()].map((url) => known.get(url) ?? fresh.get(url)!);
    for (const [url, config] of configs) known.get(url)?.use(config);
    this.#news = this.#news.filter(({ webhook }) => configs.has(webhook));
    for (const { url } of gone) this.#lost.delete(url);
    const closed = gone.map((subscriber) => subscriber.close());
    this.#leaving = Promise.all(closed).then(() => this.#forgetOthers());
    const { users, channels } = this.#hub;
    for (const subscriber of this.#subscribers) {
      subscriber.compare(users, channels, RESTART);
      subscriber.delivery.wake();
    }
  }

  /** Deletes the events of webhooks that are no longer configured. */
  #forgetOthers(): void {
    if (!this.#backlog.isOpen) return;
    try {
      for (const [webhook, count] of this.#backlog.keepOnly(this.#subscribers.map(({ url }) => url)))
        this.#log.warn(
          { webhook: placeOf(webhook), count },
          'a webhook is no longer configured: its waiting events were deleted',
        );
    } catch (error) {
      // They are not delivered, and are deleted at the next start.
      const fields = { reason: (error as Error).message };
      this.#log.error(fields, 'the events of a webhook that is no longer configured could not be deleted');
    }
  }

  /** Call it before the hub closes: users who are online now are expected back after a restart. Events that are not delivered yet are kept. */
  async close(): Promise<void> {
    this.#stopObserving();
    await this.#leaving;
    for (const { changes } of this.#subscribers) for (const some of Object.values(changes)) some.close();
    this.#flush();
    this.#cancelWrite?.(); // the write may have failed, and be due again
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.close()));
    this.#backlog.close();
    for (const [webhook, { count, cancel }] of this.#dropped) {
      cancel();
      if (count > 0) this.#tellDropped(webhook, count);
    }
    this.#dropped.clear();
  }

  #newSubscriber(config: WebhookConfig): Subscriber {
    return new Subscriber(config, {
      backlog: this.#backlog,
      here: (kind) => this.#backlog.here(config.url, kind),
      log: this.#log,
      clock: this.#clock,
      now: this.#now,
      random: this.#random,
      add: (news) => this.#add(news),
    });
  }

  #change(kind: 'user' | 'channel', name: string, isHere: boolean): void {
    for (const subscriber of this.#subscribers) {
      if (kind === 'channel' && !subscriber.wants(name)) continue;
      const changes = subscriber.changes[kind];
      if (isHere) changes.come(name);
      else changes.go(name);
    }
  }

  #published(taken: Taken): void {
    let event: string | undefined;
    for (const subscriber of this.#subscribers) {
      if (!subscriber.wantsPublications(taken.channel)) continue;
      event ??= publishedText(taken, this.#now());
      this.#add({ webhook: subscriber.url, event });
    }
  }

  #add(news: News): void {
    this.#news.push(news);
    this.#cancelWrite ??= this.#clock.after(GATHER, () => this.#write());
  }

  /** Writes the collected events now. */
  #flush(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    if (this.#news.length > 0) this.#write();
  }

  #write(): void {
    this.#cancelWrite = undefined;
    const news = this.#news;
    try {
      for (const [webhook, count] of this.#backlog.add(news, this.#lost)) this.#reportDropped(webhook, count);
    } catch (error) {
      const fields = { reason: (error as Error).message, count: news.length };
      this.#log.error(fields, 'events for webhooks cannot be stored: trying again');
      for (const { webhook, event } of news.splice(0, news.length - UNSTORED))
        if (event !== undefined) this.#lost.set(webhook, (this.#lost.get(webhook) ?? 0) + 1);
      this.#cancelWrite = this.#clock.after(TRY_AGAIN, () => this.#write());
      return;
    }
    this.#news = [];
    this.#lost.clear();
    for (const { delivery } of this.#subscribers) delivery.wake();
  }

  /** Logs the first drop at once, and then the number of further ones each minute: a full backlog drops with each write. */
  #reportDropped(webhook: string, count: number): void {
    const waiting = this.#dropped.get(webhook);
    if (waiting) {
      waiting.count += count;
      return;
    }
    const since = { count: 0, cancel: () => {} };
    this.#tellDropped(webhook, count);
    since.cancel = this.#clock.after(MINUTE, () => {
      this.#dropped.delete(webhook);
      if (since.count > 0) this.#reportDropped(webhook, since.count);
    });
    this.#dropped.set(webhook, since);
  }

  #tellDropped(webhook: string, count: number): void {
    const fields = { webhook: placeOf(webhook), count };
    this.#log.error(fields, 'too many events wait for a webhook: the oldest were dropped');
  }
}

/** A webhook that is down fails repeatedly: at most ten lines of each kind a minute. */
export function throttled(log: WebhooksOptions['log'], clock: Clock): WebhooksOptions['log'] {
  const lines = new ThrottledLog(log, clock);
  const write = (level: keyof WebhooksOptions['log']) => (fields: object, sentence: string) =>
    lines.write(level, `${(fields as { webhook?: string }).webhook} ${sentence}`, fields, sentence);
  return { info: write('info'), warn: write('warn'), error: write('error') };
}
