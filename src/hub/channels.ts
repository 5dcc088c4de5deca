import { Channel } from './channel.ts';
import type { House } from './house.ts';

interface Open {
  readonly channel: Channel;
  readonly ready: Promise<void>;
  /** Who is in, or on their way in. */
  count: number;
}

/** The channels that somebody on this node is subscribed to. */
export class Channels {
  readonly #house: House;
  readonly #open = new Map<string, Open>();
  #number = 0;

  constructor(house: House) {
    this.#house = house;
  }

  get size(): number {
    return this.#open.size;
  }

  get names(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Who is in, or on their way in. */
  countOf(name: string): number {
    return this.#open.get(name)?.count ?? 0;
  }

  get(name: string): Channel | undefined {
    return this.#open.get(name)?.channel;
  }

  /** Opens the channel for one more; to be followed by `leave`. Rejects as the broker does. */
  async enter(name: string): Promise<Channel> {
    let open = this.#open.get(name);
    if (!open) {
      const channel = new Channel(this.#house, name, ++this.#number);
      open = { channel, ready: channel.open(), count: 0 };
      this.#open.set(name, open);
      this.#house.observers.tell('onOccupied', name);
    }
    open.count++;
    try {
      await open.ready;
    } catch (error) {
      this.leave(open.channel);
      throw error;
    }
    return open.channel;
  }

  leave(channel: Channel): void {
    const open = this.#open.get(channel.name);
    if (open?.channel !== channel || --open.count > 0) return;
    this.#open.delete(channel.name);
    channel.close();
    this.#house.observers.tell('onVacated', channel.name);
  }

  close(): void {
    for (const { channel } of this.#open.values()) channel.close();
    this.#open.clear();
  }
}
