import { type Clock, systemClock } from '../../clock.ts';
import type { Hub, Taken } from '../../hub/index.ts';
import type { WebhookConfig } from '../config/index.ts';
import { SparseLog } from '../operations/index.ts';
import type { Change } from '../part.ts';
import { Backlog, type Kind, type News } from './backlog.ts';
import { type DeliveryParts, placeOf } from './delivery.ts';
import { Subscriber } from './subscriber.ts';

export interface WebhooksOptions {
  readonly log: DeliveryParts['log'] & { error(fields: object, sentence: string): void };
  /** Where events wait until they are delivered. Without it: in memory, and gone with the process. */
  readonly file?: string | undefined;
  readonly clock?: Clock;
  readonly now?: () => number;
  readonly random?: () => number;
}

/** Milliseconds that events are gathered for one write to the backlog. */
const GATHER = 5;
/** Milliseconds for which users have time to come back after a restart, before they are told to be gone. */
const RESTART = 60_000;

/** Milliseconds until a write that failed is tried again, and how many events are held in memory meanwhile. */
const TRY_AGAIN = 1_000;
const MINUTE = 60_000;
const UNSTORED = 1_000;

/**
 * Tells the application what happens in a hub: at least once, in order, and without anybody waiting for it. See
 * docs/operations.md for what is sent.
 *
 * @example
 * const webhooks = new Webhooks(hub, config.webhooks, { log, file: 'zocalo.db-webhooks' });
 * await webhooks.open();
 */
export class Webhooks {
  readonly #hub: Hub;
  readonly #configs: readonly WebhookConfig[]; // to begin with
  readonly #log: WebhooksOptions['log'];
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #backlog: Backlog;
  #subscribers: readonly Subscriber[] = [];
  /** Gathered for the next write. */
  #news: News[] = [];
  #cancelWrite: (() => void) | undefined;
  /** Events dropped while nothing could be stored, by webhook. */
  readonly #lost = new Map<string, number>();
  /** Events dropped since the last log line about it, by webhook. */
  readonly #dropped = new Map<string, { count: number; cancel: () => void }>();
  #stopObserving = (): void => {};
  /** Settles when those who left are gone, with what waited for them. */
  #leaving: Promise<unknown> = Promise.resolve();

  /** Several of the same URL are one: the last. */
  constructor(hub: Hub, webhooks: readonly WebhookConfig[], options: WebhooksOptions) {
    const { log, file, clock = systemClock, now = Date.now, random = Math.random } = options;
    this.#hub = hub;
    this.#configs = webhooks;
    this.#log = sparse(log, clock);
    this.#clock = clock;
    this.#now = now;
    this.#random = random;
    this.#backlog = new Backlog(file, now);
  }

  /** Call once. Goes on where the last process stopped. @throws ZocaloError STORE_FAILED. */
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
   * Other webhooks, while everything goes on: one whose URL stays keeps what waits for it, what it was told, and its
   * place in the order. One that is gone loses what waits for it. @throws ZocaloError STORE_FAILED.
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

  /** Lets go of what waits for webhooks that there are no longer. */
  #forgetOthers(): void {
    if (!this.#backlog.isOpen) return;
    try {
      for (const [webhook, count] of this.#backlog.keepOnly(this.#subscribers.map(({ url }) => url)))
        this.#log.warn(
          { webhook: placeOf(webhook), count },
          'a webhook is no longer configured: the events that waited for it were let go',
        );
    } catch (error) {
      // They are not delivered, and go at the next start.
      const fields = { reason: (error as Error).message };
      this.#log.error(fields, 'the events of a webhook that is no longer configured could not be deleted');
    }
  }

  /** Before the hub closes: who is here now is expected back. What was not delivered comes next time. */
  async close(): Promise<void> {
    this.#stopObserving();
    await this.#leaving;
    for (const { changes } of this.#subscribers) for (const some of Object.values(changes)) some.close();
    this.#flush();
    this.#cancelWrite?.(); // it may have failed
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
      log: this.#log,
      clock: this.#clock,
      now: this.#now,
      random: this.#random,
      add: (news) => this.#add(news),
    });
  }

  #change(kind: Kind, name: string, isHere: boolean): void {
    for (const subscriber of this.#subscribers) {
      if (kind === 'channel' && !subscriber.wants(name)) continue;
      const changes = subscriber.changes[kind];
      if (isHere) changes.come(name);
      else changes.go(name);
    }
  }

  #published({ channel, data, position, user }: Taken): void {
    let event: string | undefined;
    for (const subscriber of this.#subscribers) {
      if (!subscriber.wantsPublications(channel)) continue;
      // The data is JSON already.
      event ??= `${JSON.stringify({ type: 'published', channel, position, user, at: this.#now() }).slice(0, -1)},"data":${data}}`;
      this.#add({ webhook: subscriber.url, event });
    }
  }

  #add(news: News): void {
    this.#news.push(news);
    this.#cancelWrite ??= this.#clock.after(GATHER, () => this.#write());
  }

  /** Writes now what was gathered for later. */
  #flush(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    if (this.#news.length > 0) this.#write();
  }

  #write(): void {
    this.#cancelWrite = undefined;
    const news = this.#news;
    try {
      for (const [webhook, count] of this.#backlog.add(news, this.#lost)) this.#letGo(webhook, count);
    } catch (error) {
      const fields = { reason: (error as Error).message, count: news.length };
      this.#log.error(fields, 'events for webhooks cannot be stored: it is tried again');
      for (const { webhook, event } of news.splice(0, news.length - UNSTORED))
        if (event !== undefined) this.#lost.set(webhook, (this.#lost.get(webhook) ?? 0) + 1);
      this.#cancelWrite = this.#clock.after(TRY_AGAIN, () => this.#write());
      return;
    }
    this.#news = [];
    this.#lost.clear();
    for (const { delivery } of this.#subscribers) delivery.wake();
  }

  /** Says so at once, and then how many they were, a minute later: a backlog that is full lets go with each write. */
  #letGo(webhook: string, count: number): void {
    const waiting = this.#dropped.get(webhook);
    if (waiting) {
      waiting.count += count;
      return;
    }
    const since = { count: 0, cancel: () => {} };
    this.#tellDropped(webhook, count);
    since.cancel = this.#clock.after(MINUTE, () => {
      this.#dropped.delete(webhook);
      if (since.count > 0) this.#letGo(webhook, since.count);
    });
    this.#dropped.set(webhook, since);
  }

  #tellDropped(webhook: string, count: number): void {
    const fields = { webhook: placeOf(webhook), count };
    this.#log.error(fields, 'too many events wait for a webhook: the oldest were let go');
  }
}

/** A webhook that is down fails for as long as it is down: of each kind of line ten a minute. */
function sparse(log: WebhooksOptions['log'], clock: Clock): WebhooksOptions['log'] {
  const lines = new SparseLog(log, clock);
  const write = (level: keyof WebhooksOptions['log']) => (fields: object, sentence: string) =>
    lines.write(level, `${(fields as { webhook?: string }).webhook} ${sentence}`, fields, sentence);
  return { info: write('info'), warn: write('warn'), error: write('error') };
}
