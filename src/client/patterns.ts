import type { Gap, Position, ServerMessage } from '../protocol/index.ts';
import type { Feed, FeedContext } from './feed.ts';

/** What a line tells about a channel. */
interface Heard {
  channel: string;
  position: Position;
  /** The position before this line. */
  have: Position;
  /** What was lost before this line. */
  gap?: Gap | false;
}

/** Like the protocol's `compilePattern`, but short: a slow pattern hurts only the page that wrote it. */
function compile(pattern: string): (channel: string) => boolean {
  const source = pattern.replace(/[^\w*]/g, '\\$&').replaceAll('*', '.+');
  const match = new RegExp(`^${source}$`);
  return (channel) => match.test(channel);
}

/**
 * Passes the messages of channels on to the patterns that match them, no matter which subscription they came for.
 * Loaded with the first pattern, since most pages have none. It knows the channel of each number (a connection
 * introduces each number before its first line) and the position in each channel. Lines may come twice, for a pattern
 * and for a subscription to the channel itself.
 */
export class Patterns {
  readonly #context: FeedContext;
  readonly #names = new Map<number, string>();
  readonly #positions = new Map<string, Position>();
  readonly #matches = new Map<Feed, (channel: string) => boolean>();

  /** Starts with the channels that have their own subscription. */
  constructor(context: FeedContext) {
    this.#context = context;
    for (const [number, feed] of context.numbers) {
      this.#names.set(number, feed.channel);
      // A channel that is still catching up is far behind: its position is set when it is live.
      if (feed.state === 'live') this.#positions.set(feed.channel, feed.position!);
    }
  }

  handle(message: ServerMessage): void {
    switch (message[0]) {
      case 'm': {
        const [, number, offset, data, meta] = message;
        this.#hear(this.#take(number, offset, offset - 1), (feed, { channel, position }) => {
          const heard = this.#context.outbox.toMessage(channel, position, data, meta);
          // Its position is in its own channel, not in the pattern.
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

  /** From `ch`, the answer to `sub`, or a `gap`, which does not name the channel. */
  introduce(number: number, position: Position, channel = this.#names.get(number)): void {
    if (channel === undefined) return;
    this.#names.set(number, channel);
    this.#hear(this.#move(channel, position, position[1]));
  }

  /** The connection is lost: channels without their own subscription do not continue where they were. */
  forget(): void {
    for (const channel of this.#positions.keys())
      if (!this.#context.feeds.has(channel)) this.#positions.delete(channel);
  }

  /** A line with this offset, or 0; lines up to `before` should have come. Undefined when it is not new. */
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

  /** Passes it to the patterns that match. */
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
