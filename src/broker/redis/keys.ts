import { hash } from 'node:crypto';
import { ZocaloError } from '../../errors.ts';
import { bucketOf } from '../epochs.ts';
import { evenTags, slotOf } from './slots.ts';

/**
 * Channels share this many hash tags: enough to divide them evenly over a hundred servers, and few enough that each tag
 * has a key of its own with the seed of its epochs. It can never change.
 */
export const PARTITIONS = 1_024;

/** What names in a store begin with, if nothing else is said. */
export const DEFAULT_PREFIX = 'zocalo';

let tags: readonly string[] | undefined;

function tagOf(partition: number): string {
  tags ??= evenTags(PARTITIONS);
  return tags[partition]!;
}

/** The slot of a cluster that a partition is in. */
export function slotOfPartition(partition: number): number {
  return slotOf(tagOf(partition));
}

/** A partition in one of the slots. Undefined when they have none. */
export function partitionIn(hasSlot: (slot: number) => boolean): number | undefined {
  for (let partition = 0; partition < PARTITIONS; partition++)
    if (hasSlot(slotOfPartition(partition))) return partition;
  return undefined;
}

/** The slot of a name with a hash tag. */
export function slotOfName(name: string): number {
  const [, tag] = /\{(.*?)\}/.exec(name) ?? [];
  return slotOf(tag ?? name);
}

/** The keys of a channel: all of them have the same hash tag, and so are on the same server of a cluster. */
export interface ChannelKeys {
  readonly channel: string;
  /** Number of the hash tag: 0 to 1,023. */
  readonly partition: number;
  /** Which of 64 counters of ended logs in the partition's hash. */
  readonly bucket: number;
  /** What all of these names begin with. */
  readonly base: string;
  /** HASH: the seed of epochs, and how many logs have ended. */
  readonly seeds: string;
  /** A text: a log's epoch, ends and limits. */
  readonly log: string;
  /** STREAM: its entries, whose ids are the offsets. */
  readonly entries: string;
  /** Where its publications are announced. */
  readonly topic: string;
  /** Where those of its family are announced. */
  readonly familyTopic: string;
}

/** Names keys and topics. Pure. */
export class Keys {
  readonly prefix: string;
  readonly isSharded: boolean;

  /** `isSharded`: topics have the hash tag of their channels, so that a message visits one server of a cluster. */
  constructor(prefix = DEFAULT_PREFIX, isSharded = false) {
    if (!/^[\w.:-]{1,64}$/.test(prefix))
      throw new ZocaloError(
        'BAD_OPTION',
        `the prefix ${JSON.stringify(prefix)} has other characters than A-Za-z0-9_.:-`,
      );
    this.prefix = prefix;
    this.isSharded = isSharded;
  }

  of(channel: string): ChannelKeys {
    const bucket = bucketOf(channel);
    const partition = bucket % PARTITIONS;
    const base = this.partition(partition);
    return {
      channel,
      partition,
      bucket: Math.floor(bucket / PARTITIONS),
      base,
      seeds: base,
      log: `${base}:log:${channel}`,
      entries: `${base}:entries:${channel}`,
      topic: `${base}:news:${channel}`,
      familyTopic: this.#familyTopic(base, familyOf(channel)),
    };
  }

  /** What the names of a partition begin with. */
  partition(partition: number): string {
    return `${this.prefix}:{${tagOf(partition)}}`;
  }

  /** The key that remembers a publication's idempotency key. */
  known({ base, channel }: ChannelKeys, key: string): string {
    return `${base}:key:${hash('sha256', `${channel} ${key}`, 'base64url').slice(0, 22)}`;
  }

  /** Of this store's clock; in the first partition. */
  get time(): string {
    return `${this.partition(0)}:time`;
  }

  /** A topic of one process, for its own messages to itself by the server that has the partition. */
  probe(node: string, partition = 0): string {
    return `${this.partition(partition)}:probe:${node}`;
  }

  /**
   * The topics that together have all channels of a pattern. When the pattern does not say which family it wants, these
   * are globs of topics; with sharded PUB/SUB, which has none, those with everything of a partition.
   */
  topicsOf(pattern: string): { topics: string[]; isGlob: boolean } {
    const literal = pattern.slice(0, pattern.indexOf('*'));
    const end = literal.indexOf(':');
    const family = end < 0 ? undefined : literal.slice(0, end);
    const bases = this.isSharded ? Array.from({ length: PARTITIONS }, (_, at) => this.partition(at)) : [this.prefix];
    if (family !== undefined) return { topics: bases.map((base) => `${base}:all:${family}`), isGlob: false };
    if (this.isSharded) return { topics: bases.map((base) => `${base}:every`), isGlob: false };
    return { topics: bases.map((base) => `${globbed(base)}:all:*`), isGlob: true };
  }

  #familyTopic(base: string, family: string): string {
    return `${this.isSharded ? base : this.prefix}:all:${family}`;
  }
}

/** A channel's family is the part before its first colon: so `orders:*` listens to one topic, and not to all. */
function familyOf(channel: string): string {
  const end = channel.indexOf(':');
  return end < 0 ? '' : channel.slice(0, end);
}

/** SORTED SET: the publications of a partition that need a follow-up, by their times. `base`: as of `ChannelKeys`. */
export function followUpsIn(base: string): string {
  return `${base}:follow-ups`;
}

/** A digest of a publication's data, to tell whether a repetition is the same: 66 bits. */
export function dataMark(data: string): string {
  return hash('sha256', data, 'base64url').slice(0, 11);
}

/** A text in a glob of Redis, where it stands for itself. */
function globbed(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&');
}
