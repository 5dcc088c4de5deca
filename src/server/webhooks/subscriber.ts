import type { Clock } from '../../clock.ts';
import { compileGrant } from '../../hub/index.ts';
import { isChannel } from '../../protocol/index.ts';
import type { WebhookConfig } from '../config/index.ts';
import type { Kind, News } from './backlog.ts';
import { Changes } from './changes.ts';
import { Delivery, type DeliveryParts } from './delivery.ts';

const EVENTS = {
  user: { come: 'online', go: 'offline' },
  channel: { come: 'occupied', go: 'vacated' },
} as const;

export interface SubscriberParts extends DeliveryParts {
  readonly clock: Clock;
  /** Takes what the webhook is to be told. */
  readonly add: (news: News) => void;
}

/** One webhook: its events, the users and channels that it was last told are present, and its deliveries. */
export class Subscriber {
  readonly changes: Readonly<Record<Kind, Changes>>;
  readonly delivery: Delivery;
  readonly #add: (news: News) => void;
  #config: WebhookConfig;
  #grants: readonly ((channel: string) => boolean)[] = [];

  /** @throws ZocaloError STORE_FAILED when it cannot be read who was told to be here. */
  constructor(config: WebhookConfig, { add, ...parts }: SubscriberParts) {
    this.#config = config;
    this.#add = add;
    this.#grants = config.channels.map(compileGrant);
    const changesOf = (kind: Kind) =>
      new Changes(
        () => this.#config.debounce,
        parts.backlog.here(config.url, kind),
        (name, isHere, at) => this.#tell(kind, name, isHere, at),
        parts,
      );
    this.changes = { user: changesOf('user'), channel: changesOf('channel') };
    this.delivery = new Delivery(config, parts);
  }

  get url(): string {
    return this.#config.url;
  }

  /** Other options for the same URL, from the next event and the next delivery on. */
  use(config: WebhookConfig): void {
    this.#config = config;
    this.#grants = config.channels.map(compileGrant);
    this.delivery.use(config);
  }

  wants(channel: string): boolean {
    return isChannel(channel) && this.#grants.some((matches) => matches(channel));
  }

  wantsPublications(channel: string): boolean {
    return this.#config.events.includes('published') && this.wants(channel);
  }

  /** Who and what is here now. Those who were told to be and are not have `patience` milliseconds to come back. */
  compare(users: readonly string[], channels: readonly string[], patience: number): void {
    this.changes.user.keepOnly(users, patience);
    this.changes.channel.keepOnly(
      channels.filter((channel) => this.wants(channel)),
      patience,
    );
  }

  /** What is on its way is given up. */
  close(): Promise<void> {
    for (const changes of Object.values(this.changes)) changes.close();
    return this.delivery.close();
  }

  #tell(kind: Kind, name: string, isHere: boolean, at: number): void {
    const { url, events } = this.#config;
    const type = EVENTS[kind][isHere ? 'come' : 'go'];
    const event = events.includes(type) ? JSON.stringify({ type, [kind]: name, at }) : undefined;
    this.#add({ webhook: url, event, change: { kind, name, isHere } });
  }
}
