import type { Broker, Entry, Listener } from '../../src/broker/index.ts';
import { settle } from '../support/turn.ts';

/** A broker whose news come late, or not at all, and whose reads take as long as the test likes. */
export class Capricious {
  readonly broker: Broker;
  hasLost = false;
  /** News on their way. */
  #news: [listener: Listener, channel: string, epoch: string, entries: readonly Entry[]][] = [];
  #reads: (() => void)[] = [];
  #calm = false;

  constructor(inner: Broker) {
    const wait = () => (this.#calm ? undefined : new Promise<void>((resolve) => this.#reads.push(resolve)));
    this.broker = {
      open: () => inner.open(),
      close: () => inner.close(),
      publish: (channel, publication) => inner.publish(channel, publication),
      state: async (channel) => {
        const state = await inner.state(channel);
        await wait();
        return state;
      },
      read: async (channel, after, bounds) => {
        const page = await inner.read(channel, after, bounds);
        await wait();
        return page;
      },
      watch: (channel, listener) => inner.watch(channel, (...news) => this.#news.push([listener, ...news])),
    };
  }

  deliver(count: number): void {
    for (const [listener, ...news] of this.#news.splice(0, count)) listener(...news);
  }

  lose(count: number): void {
    if (this.#news.splice(0, count).length > 0) this.hasLost = true;
  }

  answer(): void {
    this.#reads.shift()?.();
  }

  /** Answers every read, and those that follow from it. */
  async answerAll(): Promise<void> {
    for (; this.#reads.length > 0; await settle()) for (const answer of this.#reads.splice(0)) answer();
  }

  /** From now on everything is done at once. */
  async calm(): Promise<void> {
    this.#calm = true;
    for (const answer of this.#reads.splice(0)) answer();
    await settle();
    this.deliver(Number.POSITIVE_INFINITY);
    await settle();
  }
}
