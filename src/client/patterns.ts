import type { Gap, Position, ServerMessage } from '../protocol/index.ts';
import type { Feed, FeedContext } from './feed.ts';

/** What a line says of a channel. */
interface Heard {
  channel: string;
  position: Position;
  /** Up to where we had it before. */
  have: Position;
  /** What is lost before this line. */
  gap?: Gap | false;
}

/** As the protocol's `compilePattern`, and short: whoever wrote the pattern is its only victim. */
function compile(pattern: string): (channel: string) => boolean {
  const source = pattern.replace(/[^\w*]/g, '\\$&').replaceAll('*', '.+');
  const match = new RegExp(`^${source}$`);
  return (channel) => match.test(channel);
}

/**
 * Passes on to the patterns what comes in their channels, by whatever subscription. Loaded with the first pattern, since
 * most pages have none: it knows which channel each number stands for (a connection names each anew before its first
 * line), and how far each has come; channels come and go, and their lines may come again for a subscription of the
 * channel's own.
 */
export class Patterns {
  readonly #context: FeedContext;
  readonly #names = new Map<number, string>();
  readonly #positions = new Map<string, Position>();
  readonly #matches = new Map<Feed, (channel: string) => boolean>();

  /** Begins with the channels that are subscribed to by themselves. */
  constructor(context: FeedContext) {
    this.#context = context;
    for (const [number, feed] of context.numbers) {
      this.#names.set(number, feed.channel);
      // One that is still catching up is far behind: it goes on where it is live.
      if (feed.state === 'live') this.#positions.set(feed.channel, feed.position!);
    }
  }

  handle(message: ServerMessage): void {
    switch (message[0]) {
      case 'm': {
        const [, number, offset, data, meta] = message;
        this.#hear(this.#take(number, offset, offset - 1), (feed, { channel, position }) => {
          const heard = this.#context.outbox.toMessage(channel, position, data, meta);
          // It has a place in its own channel, and none in the pattern.
          for (const cursor of feed.cursors) cursor.receive(heard, undefined);
        });
        break;
      }
      case 'skip':
        this.#hear(this.#take(message[1], message[2], 0), (feed, { channel, position, have }) =>
          feed.tell('skip', { channel, from: have[1] + 1, to: position[1] }),
        );
        break;
      case 'gap':
        this.introduce(message[1], [message[2].epoch, message[2].head]);
        break;
      case 'ch':
        this.introduce(message[1], [message[3], message[4]], message[2]);
        break;
      case 'live': {
        const feed = this.#context.numbers.get(message[1]);
        if (feed && !this.#positions.has(feed.channel)) this.introduce(message[1], feed.position!, feed.channel);
      }
    }
  }

  /** By `ch`, the answer to `sub`, or a `gap`, which does not name the channel. */
  introduce(number: number, position: Position, channel = this.#names.get(number)): void {
    if (channel === undefined) return;
    this.#names.set(number, channel);
    this.#hear(this.#move(channel, position, position[1]));
  }

  /** The connection is lost: what has no subscription of its own does not go on where it was. */
  forget(): void {
    for (const channel of this.#positions.keys())
      if (!this.#context.feeds.has(channel)) this.#positions.delete(channel);
  }

  /** A line with that offset, or 0; up to `before` there should have been others. Undefined when it is nothing new. */
  #take(number: number, offset: number, before: number): Heard | undefined {
    const channel = this.#names.get(number) ?? '';
    const have = this.#positions.get(channel);
    if (!have || (offset && offset <= have[1])) return undefined;
    return this.#move(channel, [have[0], offset], before);
  }

  #move(channel: string, position: Position, head: number): Heard {
    const [epoch, offset] = position;
    const have = this.#positions.get(channel) ?? position;
    const isOther = have[0] !== epoch;
    if (isOther || have[1] <= offset) this.#positions.set(channel, position);
    const gap = (isOther || have[1] < head) && { have, oldest: head + 1, head, epoch };
    return { channel, position, have, gap };
  }

  /** For the patterns that match it. */
  #hear(heard: Heard | undefined, tell?: (feed: Feed, heard: Heard) => void): void {
    if (!heard) return;
    for (const feed of [...this.#context.feeds.values()]) {
      if (feed.state !== 'live' || !feed.isPattern || !this.#matchOf(feed)(heard.channel)) continue;
      if (heard.gap) feed.tell('gap', { channel: heard.channel, ...heard.gap });
      tell?.(feed, heard);
    }
  }

  #matchOf(feed: Feed): (channel: string) => boolean {
    const matches = this.#matches.get(feed) ?? compile(feed.channel);
    this.#matches.set(feed, matches);
    return matches;
  }
}
