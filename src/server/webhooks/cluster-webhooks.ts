import { systemClock } from '../../clock.ts';
import type { Hub, Taken } from '../../hub/index.ts';
import type { Others } from '../../nodes/index.ts';
import type { WebhookConfig } from '../config/index.ts';
import type { Change } from '../part.ts';
import { Outbox } from './outbox.ts';
import { Subscriber } from './subscriber.ts';
import { publishedText, wantsOf } from './webhook.ts';
import { RESTART, throttled, type WebhooksOptions } from './webhooks.ts';

/** Milliseconds between two looks for events of other nodes. */
const LOOK = 500;
/** Milliseconds until the begin is tried again, when Redis is away. */
const TRY_AGAIN = 1_000;

type Kind = 'user' | 'channel';

export interface ClusterWebhooksOptions extends Omit<WebhooksOptions, 'file'> {
  /** Whether this node is stopping. */
  readonly isDraining?: () => boolean;
}

/** A webhook on a node: what it wants. */
interface Wanted {
  readonly config: WebhookConfig;
  readonly wants: (channel: string) => boolean;
}

/** What the node has that notifies for all. */
interface Term {
  readonly subscribers: Map<string, Subscriber>;
  readonly ends: (() => void)[];
  /** Who was reported is known. */
  isKnown: boolean;
  isOver: boolean;
}

/**
 * Webhooks of several nodes. Each node adds what is published through it to queues that all share. One of them, which
 * another one replaces when it dies, follows who is online and which channels are occupied in the whole cluster, and
 * delivers. What was reported is stored together with the event, so that the next one continues there: a change is told
 * once, however many nodes the user is connected to, and delivered at least once.
 */
export class ClusterWebhooks {
  readonly #hub: Hub;
  readonly #others: Others;
  readonly #configs: readonly WebhookConfig[];
  readonly #isDraining: () => boolean;
  readonly #options: Required<Omit<WebhooksOptions, 'file'>>;
  readonly #outbox: Outbox;
  #wanted = new Map<string, Wanted>();
  /** The channels of this node that webhooks want. */
  readonly #occupied = new Set<string>();
  /** Until when this node counts as the first one of a cluster that has been down. */
  #restarting = Number.NEGATIVE_INFINITY;
  #isLeading = false;
  #term: Term | undefined;
  #ends: (() => unknown)[] = [];

  constructor(hub: Hub, others: Others, webhooks: readonly WebhookConfig[], options: ClusterWebhooksOptions) {
    const { log, isDraining = () => false, clock = systemClock, now = Date.now, random = Math.random } = options;
    this.#hub = hub;
    this.#others = others;
    this.#configs = webhooks;
    this.#isDraining = isDraining;
    this.#options = { log: throttled(log, clock), clock, now, random };
    this.#outbox = new Outbox({
      queues: others.queues,
      clock,
      log: this.#options.log,
      onStored: (webhook) => this.#term?.subscribers.get(webhook)?.delivery.wake(),
    });
  }

  /** Call once, when the hub is open. */
  async open(): Promise<void> {
    (await this.prepare(this.#configs)).commit();
    const { clock } = this.#options;
    if ((await this.#others.nodes()).length <= 1) this.#restarting = clock.now() + RESTART;
    this.#ends = [
      this.#hub.observe({
        onOccupied: (channel) => this.#occupy(channel),
        onVacated: (channel) => this.#vacate(channel),
        onPublished: (taken) => this.#published(taken),
        // The first answer was lost, perhaps with the node, or before the event was stored.
        onRepeated: (taken) => this.#published(taken),
      }),
      this.#others.lead('webhooks', {
        onGained: () => {
          this.#isLeading = true;
          this.#begin();
        },
        onLost: () => {
          this.#isLeading = false;
          this.#end();
        },
        onBack: () => void this.#repeat(),
      }),
    ];
  }

  /** Prepares other webhooks. What waits for one that is removed is deleted after a week. */
  async prepare(webhooks: readonly WebhookConfig[]): Promise<Required<Change>> {
    const wanted = new Map(
      webhooks.map((config): [string, Wanted] => [config.url, { config, wants: wantsOf(config) }]),
    );
    return {
      commit: () => {
        this.#wanted = wanted;
        this.#outbox.keepOnly(new Set(wanted.keys()));
        for (const channel of this.#occupied) if (!this.#isWanted(channel)) this.#vacate(channel);
        for (const channel of this.#hub.channels) this.#occupy(channel);
        this.#end();
        if (this.#isLeading) this.#begin();
      },
      discard: () => {},
    };
  }

  /** Call it before the hub closes. */
  async close(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
    this.#end();
    await this.#outbox.close();
  }

  #isWanted(channel: string): boolean {
    return this.#wanted.values().some(({ wants }) => wants(channel));
  }

  #occupy(channel: string): void {
    if (this.#occupied.has(channel) || !this.#isWanted(channel)) return;
    this.#occupied.add(channel);
    this.#others.channels.add(channel);
  }

  #vacate(channel: string): void {
    // Its subscribers are told to come back elsewhere, and it counts as occupied until they had the time.
    if (this.#isDraining()) return;
    if (this.#occupied.delete(channel)) this.#others.channels.remove(channel);
  }

  #published(taken: Taken): void {
    let event: string | undefined;
    for (const [webhook, { config, wants }] of this.#wanted) {
      if (!config.events.includes('published') || !wants(taken.channel)) continue;
      event ??= publishedText(taken, this.#options.now());
      this.#outbox.add({ webhook, event, id: taken.position && String([taken.channel, taken.position]) });
    }
  }

  /** This node notifies for all from now on. */
  #begin(): void {
    this.#end();
    if (this.#wanted.size === 0) return;
    const term = newTerm();
    this.#term = term;
    this.#take(term).catch((error) => {
      if (term.isOver) return;
      const reason = (error as Error).message;
      this.#options.log.warn({ reason }, 'webhooks wait: who is online cannot be read now');
      this.#end();
      this.#term = newTerm(this.#options.clock.after(TRY_AGAIN, () => this.#isLeading && this.#begin()));
    });
  }

  async #take(term: Term): Promise<void> {
    const { users, channels, queues } = this.#others;
    const { clock } = this.#options;
    const present = { user: new Set<string>(), channel: new Set<string>() };
    const following = (kind: Kind) => ({
      onCome: (name: string) => {
        present[kind].add(name);
        this.#change(term, kind, name, true);
      },
      onGo: (name: string) => {
        present[kind].delete(name);
        this.#change(term, kind, name, false);
      },
    });
    for (const [roster, kind] of [
      [users, 'user'],
      [channels, 'channel'],
    ] as const) {
      const stop = await roster.follow(following(kind));
      if (term.isOver) stop();
      else term.ends.push(stop);
    }
    for (const [url, { config }] of this.#wanted) {
      const here = { user: await queues.here(url, 'user'), channel: await queues.here(url, 'channel') };
      if (term.isOver) return;
      const subscriber = new Subscriber(config, {
        ...this.#options,
        backlog: {
          page: (webhook, most = 100) => queues.page(webhook, most),
          acknowledge: queues.acknowledge.bind(queues),
        },
        here: (kind) => here[kind],
        add: (news) => this.#outbox.add(news),
      });
      term.subscribers.set(url, subscriber);
      // After a restart of all nodes, their users need time to come back.
      const patience = clock.now() < this.#restarting ? RESTART : config.debounce;
      subscriber.compare([...present.user], [...present.channel], patience);
    }
    const wake = () => {
      for (const { delivery } of term.subscribers.values()) delivery.wake();
    };
    term.ends.push(clock.every(LOOK, wake));
    term.isKnown = true;
    wake();
  }

  /**
   * The store may have lost the end of what was reported: what it lacks is told again. A change that it has, or that is on
   * its way to it, is not told twice, since it is none for the store.
   */
  async #repeat(): Promise<void> {
    const term = this.#term;
    if (!term?.isKnown) {
      this.#begin();
      return;
    }
    try {
      for (const [url, { changes }] of term.subscribers)
        for (const kind of ['user', 'channel'] as const) {
          const stored = await this.#others.queues.here(url, kind);
          if (term.isOver) return;
          changes[kind].repeat(stored);
        }
    } catch {
      // It is away again, or this part of it still is.
      term.ends.push(this.#options.clock.after(TRY_AGAIN, () => void this.#repeat()));
    }
  }

  #change(term: Term, kind: Kind, name: string, isHere: boolean): void {
    for (const subscriber of term.subscribers.values()) {
      if (kind === 'channel' && !subscriber.wants(name)) continue;
      if (isHere) subscriber.changes[kind].come(name);
      else subscriber.changes[kind].go(name);
    }
  }

  #end(): void {
    const term = this.#term;
    if (!term) return;
    this.#term = undefined;
    term.isOver = true;
    for (const end of term.ends) end();
    for (const subscriber of term.subscribers.values()) void subscriber.close();
  }
}

function newTerm(...ends: (() => void)[]): Term {
  return { subscribers: new Map(), ends, isKnown: false, isOver: false };
}
