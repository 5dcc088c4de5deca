import type { Clock } from '../../clock.ts';
import type { WebhookConfig } from '../config/index.ts';
import type { News } from './backlog.ts';
import { Changes } from './changes.ts';
import { Delivery, type DeliveryParts } from './delivery.ts';
import { wantsOf, webhookAt } from './webhook.ts';

const EVENTS = {
  user: { come: 'online', go: 'offline' },
  channel: { come: 'occupied', go: 'vacated' },
} as const;

export interface SubscriberParts extends DeliveryParts {
  readonly clock: Clock;
  /** Those who were reported present, by this process or an earlier one. */
  readonly here: (kind: keyof typeof EVENTS) => readonly string[];
  /** Takes an event for the webhook. */
  readonly add: (news: News) => void;
}

/** One webhook: its events, the users and channels last reported present, and its deliveries. */
export class Subscriber {
  readonly changes: Readonly<Record<keyof typeof EVENTS, Changes>>;
  readonly delivery: Delivery;
  readonly #add: (news: News) => void;
  readonly #now: () => number;
  #config: WebhookConfig;
  #wants: (channel: string) => boolean;

  /** @throws ZocaloError STORE_FAILED when the list of those reported present cannot be read. */
  constructor(config: WebhookConfig, { add, ...parts }: SubscriberParts) {
    this.#config = config;
    this.#add = add;
    this.#now = parts.now;
    this.#wants = wantsOf(config);
    const changesOf = (kind: keyof typeof EVENTS) =>
      new Changes(
        () => this.#config.debounce,
        parts.here(kind),
        (name, isHere, at) => this.#tell(kind, name, isHere, at),
        parts,
      );
    this.changes = { user: changesOf('user'), channel: changesOf('channel') };
    this.delivery = new Delivery(webhookAt(config, parts.now), parts);
  }

  get url(): string {
    return this.#config.url;
  }

  /** Other options for the same URL, from the next event and the next delivery on. */
  use(config: WebhookConfig): void {
    const { secret } = this.#config;
    this.#config = config;
    this.#wants = wantsOf(config);
    this.delivery.use(webhookAt(config, this.#now), config.secret !== secret);
  }

  wants(channel: string): boolean {
    return this.#wants(channel);
  }

  wantsPublications(channel: string): boolean {
    return this.#config.events.includes('published') && this.wants(channel);
  }

  /** Compares with who and what is present now; those who are missing have `patience` milliseconds to return. */
  compare(users: readonly string[], channels: readonly string[], patience: number): void {
    this.changes.user.keepOnly(users, patience);
    this.changes.channel.keepOnly(
      channels.filter((channel) => this.wants(channel)),
      patience,
    );
  }

  /** Aborts the delivery under way. */
  close(): Promise<void> {
    for (const changes of Object.values(this.changes)) changes.close();
    return this.delivery.close();
  }

  #tell(kind: keyof typeof EVENTS, name: string, isHere: boolean, at: number): void {
    const { url, events } = this.#config;
    const type = EVENTS[kind][isHere ? 'come' : 'go'];
    const event = events.includes(type) ? JSON.stringify({ type, [kind]: name, at }) : undefined;
    this.#add({ webhook: url, event, change: { kind, name, isHere } });
  }
}
