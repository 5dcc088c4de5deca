import type { LogGap } from '../../broker/index.ts';
import type { Position } from '../../protocol/index.ts';
import { type HubMessage, Outgoing } from '../outgoing.ts';
import type { Wire } from '../wire.ts';
import type { Channel } from './channel.ts';
import { Latest } from './latest.ts';
import { MOST, type Pages, type SharedPage } from './pages.ts';

/** The owner of subscriptions. */
export interface Subscriber {
  readonly wire: Wire;
  /** Sends one page at a time over all subscriptions, so that many channels queue no more than one. */
  inTurn(send: () => Promise<void>): Promise<void>;
  /** This subscription has ended: its log cannot be read. */
  onLost(subscription: Subscription, cause: unknown): void;
}

/**
 * A subscription of one connection to one channel. Its state is one variable: it is *behind* while it gets pages from
 * the log at its reader's pace, and *live* when it has everything that the others have; then it is subscribed to the
 * topic. A live reader that becomes slow is behind again.
 */
export class Subscription {
  readonly channel: Channel;
  /** Whether it gets members who join and leave. */
  hearsPresence = false;
  readonly #pages: Pages;
  readonly #subscriber: Subscriber;
  #phase: 'new' | 'behind' | 'live' | 'over' = 'new';
  /** The last publication sent, while behind. */
  #position: Position;
  /** How many more publications the reader accepts. Not counted any more once it was live. */
  #credit: number;
  #wake = (): void => {};
  /** Selects the newest of each key, for a reader that is behind with that policy. */
  #latest: Latest | null = null;
  /** The reader still has to be told that it is live. Not told when it was paused for being slow. */
  #owesLive: boolean;

  /** Without `credit` it belongs to a pattern, whose reader counts none and expects no `live`. */
  constructor(pages: Pages, subscriber: Subscriber, channel: Channel, position: Position, credit?: number) {
    this.#pages = pages;
    this.#subscriber = subscriber;
    this.channel = channel;
    this.#position = position;
    this.#credit = credit ?? Number.POSITIVE_INFINITY;
    this.#owesLive = credit !== undefined;
  }

  get isLive(): boolean {
    return this.#phase === 'live';
  }

  /** What its reader has been sent, except for what is skipped. */
  get position(): Position {
    return this.isLive ? this.channel.position : this.#position;
  }

  /** Starts to send what comes after its position. */
  start(): void {
    this.#phase = 'behind';
    void this.#follow();
  }

  /** The reader accepts this many more. */
  more(count: number): void {
    this.#credit += count;
    this.#wake();
  }

  /** Its reader is too slow: nothing more is pushed; it continues by the channel's policy when its queue is empty. */
  async fallBehind(): Promise<void> {
    if (this.#phase !== 'live') return;
    const { wire } = this.#subscriber;
    const { channel } = this;
    wire.unsubscribe(channel.topic);
    this.#phase = 'behind';
    this.#position = channel.position;
    await wire.drained();
    if (this.#isOver()) return;
    const { slow, latestBy } = channel.rules;
    if (slow === 'drop') this.#skip(channel.head);
    else if (slow === 'latest' && latestBy === undefined) this.#skip(channel.head - 1);
    else if (slow === 'latest') this.#latest = new Latest(this.#position, latestBy!, MOST);
    await this.#follow();
  }

  end(): void {
    if (this.#phase === 'live') this.#subscriber.wire.unsubscribe(this.channel.topic);
    this.#phase = 'over';
    this.#wake();
  }

  async #follow(): Promise<void> {
    const { channel } = this;
    try {
      while (!this.#isOver()) {
        const [epoch, offset] = this.#latest?.position ?? this.#position;
        if (epoch === channel.epoch && offset === channel.head) {
          this.#join();
          return;
        }
        if (this.#credit <= 0) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          continue;
        }
        await this.#subscriber.inTurn(() => this.#readOn());
      }
    } catch (cause) {
      if (!this.#isOver()) this.#subscriber.onLost(this, cause);
    }
  }

  /** Resolves when the reader accepts another page. */
  async #readOn(): Promise<void> {
    if (this.#isOver()) return;
    const pages = this.#pages;
    const latest = this.#latest;
    if (latest)
      await pages.read(this.channel, latest.position, Number.POSITIVE_INFINITY, (page) =>
        this.#sendLatest(latest, page),
      );
    else await pages.read(this.channel, this.#position, this.#credit, (page) => this.#sendPage(page));
  }

  async #sendPage(shared: SharedPage): Promise<void> {
    const { channel } = this;
    const { wire } = this.#subscriber;
    const { page } = shared;
    if (this.#isOver()) return;
    if (page.gap) {
      this.#tellGap(page);
    } else if (page.entries.length > 0) {
      wire.send(shared.outgoing);
      this.#credit -= page.entries.length;
      this.#position = [page.epoch, page.entries.at(-1)!.offset];
    }
    // The log has more than the broker has announced: deliver that to the live readers first.
    if (page.epoch !== channel.epoch || page.head > channel.head) await channel.catchUp();
    // Always, not only when much is queued, since a page for each reader may be queued.
    await wire.drained();
  }

  /** Reads a page; sends if that was the last one, or no more can be kept. */
  async #sendLatest(latest: Latest, { page }: SharedPage): Promise<void> {
    const { channel } = this;
    const { wire } = this.#subscriber;
    if (this.#isOver()) return;
    const isFull = !page.gap && !latest.read(page.epoch, page.entries);
    if (isFull || page.gap || latest.position[1] >= Math.min(page.head, channel.head)) this.#flush(latest);
    if (page.gap) {
      this.#tellGap(page);
      latest.position = this.#position;
    }
    if (page.epoch !== channel.epoch || page.head > channel.head) await channel.catchUp();
    await wire.drained();
  }

  /** Sends what is kept, and announces what is skipped. */
  #flush(latest: Latest): void {
    const { channel } = this;
    let [, sent] = this.#position;
    const messages: HubMessage[] = [];
    const skipTo = (offset: number) => {
      if (offset > sent) messages.push(['skip', channel.number, offset]);
    };
    for (const entry of latest.take()) {
      skipTo(entry.offset - 1);
      messages.push(['m', channel.number, entry]);
      sent = entry.offset;
    }
    skipTo(latest.position[1]);
    this.#position = latest.position;
    if (messages.length > 0) this.#send(...messages);
  }

  #tellGap({ have, oldest, head, epoch }: LogGap): void {
    this.#position = [epoch, head];
    this.#owesLive = true;
    this.#send(['gap', this.channel.number, { have, oldest, head, epoch }]);
  }

  /** In the same tick as the check, so nothing is missed or doubled. */
  #join(): void {
    this.#phase = 'live';
    this.#latest = null;
    this.#subscriber.wire.subscribe(this.channel.topic);
    if (this.#owesLive) this.#send(['live', this.channel.number, this.channel.head]);
    this.#owesLive = false;
    this.#credit = Number.POSITIVE_INFINITY;
  }

  #skip(offset: number): void {
    const [epoch, have] = this.#position;
    if (epoch !== this.channel.epoch || offset <= have) return;
    this.#position = [epoch, offset];
    this.#send(['skip', this.channel.number, offset]);
  }

  #send(...messages: readonly HubMessage[]): void {
    this.#subscriber.wire.send(new Outgoing(messages));
  }

  #isOver(): boolean {
    return this.#phase === 'over';
  }
}
