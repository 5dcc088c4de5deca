import { hash, randomBytes } from 'node:crypto';

/** The namespace of a store's epochs: 128 random bits, so that no two stores use the same one. */
export function newSeed(): string {
  return randomBytes(16).toString('base64url');
}

/**
 * Names the logs of a store. The name of a channel's next log is known before there is one, with nothing stored for the
 * channel, so that a reader of an empty log has a position that stays valid when the first publication creates the log.
 * The name is derived from the store's seed, the channel, and how many logs have ended in the channel's bucket. That
 * number grows, so no name is used twice; a neighbour's end renames a log that does not exist yet, which its reader
 * sees as a gap.
 */
export class Epochs {
  readonly #seed: string;
  readonly #ended: Map<number, number>;

  constructor(seed: string, ended: Iterable<readonly [bucket: number, count: number]> = []) {
    this.#seed = seed;
    this.#ended = new Map(ended);
  }

  /** The epoch of the channel's next log, if it has none: 72 bits. */
  next(channel: string): string {
    const ended = this.#ended.get(bucketOf(channel)) ?? 0;
    return hash('sha256', `${this.#seed} ${ended} ${channel}`, 'base64url').slice(0, 12);
  }

  /** The channel's log has ended, or its next one must have another name. Returns what has to be stored. */
  end(channel: string): [bucket: number, count: number] {
    const bucket = bucketOf(channel);
    const count = (this.#ended.get(bucket) ?? 0) + 1;
    this.#ended.set(bucket, count);
    return [bucket, count];
  }
}

/** One of 65,536, by FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): few enough to store a number for each. */
export function bucketOf(channel: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < channel.length; at++) sum = Math.imul(sum ^ channel.charCodeAt(at), 0x01000193);
  return (sum ^ (sum >>> 16)) & 0xffff;
}
