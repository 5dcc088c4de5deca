import { type Clock, systemClock } from '../../clock.ts';
import { compileGrant, type Hub, type Taken } from '../../hub/index.ts';
import { isChannel } from '../../protocol/index.ts';
import type { WebhookConfig } from '../config/index.ts';
import { Backlog, type Kind, type News } from './backlog.ts';
import { Changes } from './changes.ts';
import { Delivery, type DeliveryParts, placeOf } from './delivery.ts';

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
const UNSTORED = 1_000;

const EVENTS = {
  user: { come: 'online', go: 'offline' },
  channel: { come: 'occupied', go: 'vacated' },
} as const;

/** One webhook, and what it wants to know. */
interface Subscriber {
  readonly config: WebhookConfig;
  readonly wants: (channel: string) => boolean;
  readonly changes: Readonly<Record<Kind, Changes>>;
  readonly delivery: Delivery;
}

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
  readonly #configs: readonly WebhookConfig[];
  readonly #log: WebhooksOptions['log'];
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #backlog: Backlog;
  #subscribers: readonly Subscriber[] = [];
  /** Gathered for the next write. */
  #news: News[] = [];
  #cancelWrite: (() => void) | undefined;
  /** How many were let go while nothing could be stored, by webhook. */
  readonly #lost = new Map<string, number>();
  #stopObserving = (): void => {};

  /** Several of the same URL are one: the last. */
  constructor(hub: Hub, webhooks: readonly WebhookConfig[], options: WebhooksOptions) {
    const { log, file, clock = systemClock, now = Date.now, random = Math.random } = options;
    this.#hub = hub;
    this.#configs = [...new Map(webhooks.map((webhook) => [webhook.url, webhook])).values()];
    this.#log = log;
    this.#clock = clock;
    this.#now = now;
    this.#random = random;
    this.#backlog = new Backlog(file, now);
  }

  /** Call once. Goes on where the last process stopped. @throws ZocaloError STORE_FAILED. */
  async open(): Promise<void> {
    if (this.#configs.length === 0) return;
    await this.#backlog.open(this.#configs.map(({ url }) => url));
    this.#subscribers = this.#configs.map((config) => this.#subscribe(config));
    this.#stopObserving = this.#hub.observe({
      onOnline: (user) => this.#change('user', user, true),
      onOffline: (user) => this.#change('user', user, false),
      onOccupied: (channel) => this.#change('channel', channel, true),
      onVacated: (channel) => this.#change('channel', channel, false),
      onPublished: (taken) => this.#published(taken),
    });
    for (const { changes, delivery, wants } of this.#subscribers) {
      changes.user.keepOnly(this.#hub.users, RESTART);
      changes.channel.keepOnly(this.#hub.channels.filter(wants), RESTART);
      delivery.wake();
    }
  }

  /** Before the hub closes: who is here now is expected back. What was not delivered comes next time. */
  async close(): Promise<void> {
    this.#stopObserving();
    for (const { changes } of this.#subscribers) for (const some of Object.values(changes)) some.close();
    this.#cancelWrite?.();
    if (this.#news.length > 0) this.#write();
    this.#cancelWrite?.(); // it may have failed
    await Promise.all(this.#subscribers.map(({ delivery }) => delivery.close()));
    this.#backlog.close();
  }

  #subscribe(config: WebhookConfig): Subscriber {
    const { url, debounce, events } = config;
    const patterns = config.channels.map(compileGrant);
    const time = { clock: this.#clock, now: this.#now };
    const changesOf = (kind: Kind) =>
      new Changes(
        debounce,
        this.#backlog.here(url, kind),
        (name, isHere, at) => {
          const type = EVENTS[kind][isHere ? 'come' : 'go'];
          const event = events.includes(type) ? JSON.stringify({ type, [kind]: name, at }) : undefined;
          this.#add({ webhook: url, event, change: { kind, name, isHere } });
        },
        time,
      );
    return {
      config,
      wants: (channel) => isChannel(channel) && patterns.some((matches) => matches(channel)),
      changes: { user: changesOf('user'), channel: changesOf('channel') },
      delivery: new Delivery(config, { backlog: this.#backlog, log: this.#log, ...time, random: this.#random }),
    };
  }

  #change(kind: Kind, name: string, isHere: boolean): void {
    for (const { changes, wants } of this.#subscribers) {
      if (kind === 'channel' && !wants(name)) continue;
      if (isHere) changes[kind].come(name);
      else changes[kind].go(name);
    }
  }

  #published({ channel, data, position, user }: Taken): void {
    let event: string | undefined;
    for (const { config, wants } of this.#subscribers) {
      if (!config.events.includes('published') || !wants(channel)) continue;
      // The data is JSON already.
      event ??= `${JSON.stringify({ type: 'published', channel, position, user, at: this.#now() }).slice(0, -1)},"data":${data}}`;
      this.#add({ webhook: config.url, event });
    }
  }

  #add(news: News): void {
    this.#news.push(news);
    this.#cancelWrite ??= this.#clock.after(GATHER, () => this.#write());
  }

  #write(): void {
    this.#cancelWrite = undefined;
    const news = this.#news;
    try {
      for (const [webhook, count] of this.#backlog.add(news, this.#lost))
        this.#log.error(
          { webhook: placeOf(webhook), count },
          'too many events wait for a webhook: the oldest were let go',
        );
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
}
