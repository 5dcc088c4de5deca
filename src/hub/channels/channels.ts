import type { Position } from '../../protocol/index.ts';
import type { Observers } from '../observer.ts';
import { Channel, type ChannelContext } from './channel.ts';
import type { ChannelRules } from './rules.ts';

interface Open {
  readonly channel: Channel;
  /** Resolves when the channel listens to the broker for its own subscribers. */
  ready: Promise<void> | null;
  /** Subscribers, including those being added. */
  count: number;
  /** Whether it is kept open for a pattern. */
  isHeld: boolean;
}

/** What the channels of a hub need. */
export interface ChannelsContext extends ChannelContext {
  readonly rules: ChannelRules;
  readonly observers: Observers;
}

/** The open channels of this node, by name. */
export class Channels {
  readonly #context: ChannelsContext;
  readonly #open = new Map<string, Open>();
  #number = 0;

  constructor(context: ChannelsContext) {
    this.#context = context;
  }

  /** Channels with their own subscribers. */
  get names(): readonly string[] {
    return [...this.#open].flatMap(([name, { count }]) => (count > 0 ? [name] : []));
  }

  /** Subscribers, including those being added. */
  countOf(name: string): number {
    return this.#open.get(name)?.count ?? 0;
  }

  get(name: string): Channel | undefined {
    return this.#open.get(name)?.channel;
  }

  /** The end of its log, whether it is open or not. Rejects as the broker does. */
  async positionOf(name: string): Promise<Position> {
    const channel = this.get(name);
    if (channel?.isOpen) return channel.position;
    const { epoch, head } = await this.#context.broker.state(name);
    return [epoch, head];
  }

  /** Opens the channel for one more subscriber; call `leave` later. Rejects as the broker does. */
  async enter(name: string): Promise<Channel> {
    const open = this.#take(name);
    if (++open.count === 1) this.#context.observers.tell('onOccupied', name);
    open.ready ??= open.channel.open();
    try {
      await open.ready;
    } catch (error) {
      open.ready = null;
      this.leave(open.channel);
      throw error;
    }
    return open.channel;
  }

  leave(channel: Channel): void {
    const open = this.#open.get(channel.name);
    if (open?.channel !== channel || --open.count > 0) return;
    this.#context.observers.tell('onVacated', channel.name);
    this.#closeUnused(open);
  }

  /** Keeps the channel open for patterns, until `release`. */
  hold(name: string): Channel {
    const open = this.#take(name);
    open.isHeld = true;
    return open.channel;
  }

  release(channel: Channel): void {
    const open = this.#open.get(channel.name);
    if (open?.channel !== channel) return;
    open.isHeld = false;
    this.#closeUnused(open);
  }

  close(): void {
    for (const { channel } of this.#open.values()) channel.close();
    this.#open.clear();
  }

  #take(name: string): Open {
    let open = this.#open.get(name);
    if (!open) {
      const channel = new Channel(this.#context, name, ++this.#number, this.#context.rules.of(name));
      open = { channel, ready: null, count: 0, isHeld: false };
      this.#open.set(name, open);
    }
    return open;
  }

  #closeUnused({ channel, count, isHeld }: Open): void {
    if (count > 0 || isHeld) return;
    this.#open.delete(channel.name);
    channel.close();
  }
}
