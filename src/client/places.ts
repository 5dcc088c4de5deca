import type { Gap, Position } from '../protocol/index.ts';

/** What a line says of a channel. */
export interface Heard {
  channel: string;
  position: Position;
  /** Up to where we had it before. */
  have: Position;
  /** What is lost before this line. */
  gap?: Gap | false;
}

/**
 * Which channel each number stands for (a connection names each anew before its first line), and how far each has come, by whatever subscription: for
 * patterns, whose channels come and go, and whose lines may come again for a subscription of the channel's own.
 */
export class Places {
  readonly #names = new Map<number, string>();
  readonly #places = new Map<string, Position>();

  /** By `ch`, the answer to `sub`, or a `gap`, which does not name the channel. */
  introduce(number: number, position: Position, channel = this.#names.get(number)): Heard | undefined {
    if (channel === undefined) return undefined;
    this.#names.set(number, channel);
    return this.#move(channel, position, position[1]);
  }

  /** A line with that offset, or 0; up to `before` there should have been others. Undefined when it is nothing new. */
  take(number: number, offset: number, before: number): Heard | undefined {
    const channel = this.#names.get(number) ?? '';
    const have = this.#places.get(channel);
    if (!have || (offset && offset <= have[1])) return undefined;
    return this.#move(channel, [have[0], offset], before);
  }

  /** All but what goes on where it was. */
  forget(goesOn: (channel: string) => boolean): void {
    for (const channel of this.#places.keys()) if (!goesOn(channel)) this.#places.delete(channel);
  }

  #move(channel: string, position: Position, head: number): Heard {
    const [epoch, offset] = position;
    const have = this.#places.get(channel) ?? position;
    const isOther = have[0] !== epoch;
    if (isOther || have[1] <= offset) this.#places.set(channel, position);
    const gap = (isOther || have[1] < head) && { have, oldest: head + 1, head, epoch };
    return { channel, position, have, gap };
  }
}
