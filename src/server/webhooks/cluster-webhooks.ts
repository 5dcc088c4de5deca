import type { FollowUps } from '../../broker/index.ts';
import { systemClock } from '../../clock.ts';
import type { Hub, Taken } from '../../hub/index.ts';
import type { Others } from '../../nodes/index.ts';
import type { WebhookConfig } from '../config/index.ts';
import type { Change } from '../part.ts';
import { Outbox } from './outbox.ts';
import { Subscriber } from './subscriber.ts';
import { idOf, Untold } from './untold.ts';
import { publishedText, wantsOf } from './webhook.ts';
import { RESTART, throttled, type WebhooksOptions } from './webhooks.ts';

/** Milliseconds between two looks for events of other nodes. */
const LOOK = 500;
/** Milliseconds between two looks for publications that their own nodes have not told of. */
const LOOK_UNTOLD = 5_000;
/** Milliseconds until the begin is tried again, when Redis is away. */
const TRY_AGAIN = 1_000;

type Kind = 'user' | 'channel';

export interface ClusterWebhooksOptions extends Omit<WebhooksOptions, 'file'> {
  /** Whether this node is stopping. */
  readonly isDraining?: () => boolean;
  /** With them, a publication is told of although its node dies before it has added the event. */
  readonly followUps?: FollowUps | undefined;
}

/** A webhook on a node: what it wants. */
interface Wanted {
  readonly config: WebhookConfig;
  readonly wants: (channel: string) => boolean;
  readonly wantsPublications: boolean;
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
  readonly #untold: Untold | undefined;
  #wanted = new Map<string, Wanted>();
  /** The channels of this node that webhooks want. */
  readonly #occupied = new Set<string>();
  /** Until when this node counts as the first one of a cluster that has been down. */
  #restarting = Number.NEGATIVE_INFINITY;
  #isLeading = false;
  #term: Term | undefined;
  #ends: (() => unknown)[] = [];

  constructor(hub: Hub, others: Others, webhooks: readonly WebhookConfig[], options: ClusterWebhooksOptions) {
    const {
      log,
      followUps,
      isDraining = () => false,
      clock = systemClock,
      now = Date.now,
      random = Math.random,
    } = options;
    this.#hub = hub;
    this.#others = others;
    this.#configs = webhooks;
    this.#isDraining = isDraining;
    this.#options = { log: throttled(log, clock), clock, now, random };
    const { queues } = others;
    const onStored = (webhook: string) => this.#term?.subscribers.get(webhook)?.delivery.wake();
    this.#outbox = new Outbox({ queues, followUps, clock, log: this.#options.log, onStored });
    this.#untold =
      followUps && new Untold({ followUps, queues, webhooksOf: (channel) => this.#toldOf(channel), onStored });
  }

  /** Call once, when the hub is open. */
  async open(): Promise<void> {
    (await this.prepare(this.#configs)).commit();
    const { clock } = this.#options;
    if ((await this.#others.nodes()).length <= 1) this.#restarting = clock.now() + RESTART;
    // It stays until the hub closes: of what is published after this part has closed, another node tells.
    if (this.#untold) this.#hub.observe({ needsFollowUp: (channel) => this.#needsFollowUp(channel) });
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
      webhooks.map((config): [string, Wanted] => [
        config.url,
        { config, wants: wantsOf(config), wantsPublications: config.events.includes('published') },
      ]),
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

  #needsFollowUp(channel: string): boolean {
    return this.#outbox.mayRemember && this.#toldOf(channel).length > 0;
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

  /** The webhooks that are told of publications to a channel. */
  #toldOf(channel: string): readonly string[] {
    const urls: string[] = [];
    for (const [url, { wants, wantsPublications }] of this.#wanted)
      if (wantsPublications && wants(channel)) urls.push(url);
    return urls;
  }

  #published(taken: Taken): void {
    const { channel, position, needsFollowUp } = taken;
    const webhooks = this.#toldOf(channel);
    if (webhooks.length === 0) return;
    const event = publishedText(taken, this.#options.now());
    const id = position && idOf({ channel, position });
    const remembered = needsFollowUp && position ? { channel, position, webhooks: webhooks.length } : undefined;
    for (const webhook of webhooks) this.#outbox.add({ webhook, event, id, remembered });
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
    term.ends.push(clock.every(LOOK_UNTOLD, () => this.#lookUntold()));
    this.#lookUntold();
  }

  #lookUntold(): void {
    this.#untold?.look().catch((error) => {
      const reason = (error as Error).message;
      this.#options.log.warn({ reason }, 'publications of which nobody has told cannot be looked for: trying again');
    });
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
