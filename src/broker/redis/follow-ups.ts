import type { Position } from '../../protocol/index.ts';
import type { LogGap, Page, PageBounds } from '../broker.ts';
import type { FollowUps, Published, Unfinished } from '../follow-ups.ts';
import type { RedisAccess } from './access.ts';
import { followUpsIn } from './keys.ts';
import { scriptOf } from './scripts.ts';

/** Partitions in one question, or in as many questions at a time where a script may only have keys of one. */
const PARTITIONS = { single: 256, cluster: 32 };
/** Publications of a partition in one answer. */
const PAGE = 256;
/** Publications that are forgotten by one call. */
const BATCH = 1_000;
/** A time so many milliseconds ahead is that of a node whose clock was wrong. */
const AHEAD = 60_000;

/** KEYS: those of partitions. ARGV: times, up to which and from which, and how many of each partition. */
const FIND_SCRIPT = scriptOf(`
local all = {}
for n, key in ipairs(KEYS) do
  all[n] = redis.call('ZRANGEBYSCORE', key, '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
  if #all[n] == 0 then all[n] = redis.call('ZRANGEBYSCORE', key, ARGV[2], '+inf', 'LIMIT', 0, ARGV[3]) end
end
return all
`);

/** KEYS: those of partitions. ARGV: for each how many, and these. */
const FORGET_SCRIPT = scriptOf(`
local at = 1
for _, key in ipairs(KEYS) do
  local last = at + ARGV[at]
  redis.call('ZREM', key, unpack(ARGV, at + 1, last))
  at = last + 1
end
return 0
`);

type Read = (channel: string, after: Position, bounds?: PageBounds) => Promise<Page | LogGap>;

/** A sorted set for each partition: epoch, offset and channel of publications, by their times. See `publishScript`. */
export class RedisFollowUps implements FollowUps {
  readonly #access: RedisAccess;
  readonly #read: Read;
  readonly #now: () => number;

  /** `now`: milliseconds since 1970, by the clock of the store. */
  constructor(access: RedisAccess, read: Read, now: () => number) {
    this.#access = access;
    this.#read = read;
    this.#now = now;
  }

  async done(publications: readonly Published[]): Promise<void> {
    const access = this.#access;
    for (let from = 0; from < publications.length; from += BATCH) {
      const some = publications.slice(from, from + BATCH);
      const groups = [...Map.groupBy(some, ({ channel }) => access.partitionOf(channel))];
      const calls = access.isCluster ? groups.map((group) => [group]) : [groups];
      await Promise.all(calls.map((call) => this.#forget(call)));
    }
  }

  async finish(age: number, work: (unfinished: readonly Unfinished[]) => Promise<void>): Promise<void> {
    const access = this.#access;
    const [width, size] = access.isCluster ? [PARTITIONS.cluster, 1] : [PARTITIONS.single, PARTITIONS.single];
    const failures: unknown[] = [];
    for (let from = 0; from < access.partitions; from += width) {
      const questions = Array.from({ length: width / size }, (_, n) => range(from + n * size, size));
      const answers = await Promise.allSettled(questions.map((partitions) => this.#find(partitions, age)));
      const fail = (reason: unknown) => void failures.push(reason);
      for (const answer of answers) {
        if (answer.status === 'rejected') fail(answer.reason);
        else for (const [at, found] of answer.value) await this.#finishIn(at, found, age, work).catch(fail);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** What these partitions have, by partition. */
  async #find(partitions: readonly number[], age: number): Promise<[partition: number, found: Published[]][]> {
    const access = this.#access;
    const keys = partitions.map((partition) => followUpsIn(access.base(partition)));
    const [before, ahead] = [this.#now() - age, this.#now() + AHEAD];
    const all = (await access.run(partitions[0]!, FIND_SCRIPT, keys, [before, ahead, PAGE])) as string[][];
    return partitions.map((partition, at) => [partition, all[at]!.map(published)]);
  }

  async #finishIn(
    partition: number,
    found: readonly Published[],
    age: number,
    work: (unfinished: readonly Unfinished[]) => Promise<void>,
  ): Promise<void> {
    for (let some = found; some.length > 0; ) {
      const logs = Map.groupBy(some, ({ channel, position: [epoch] }) => `${epoch} ${channel}`);
      for (const log of logs.values()) {
        const ordered = log.toSorted((one, other) => one.position[1] - other.position[1]);
        for (let at = 0; at < ordered.length; ) {
          const unfinished = await this.#lookUp(ordered.slice(at));
          await work(unfinished);
          await this.done(unfinished);
          at += unfinished.length;
        }
      }
      if (some.length < PAGE) return;
      [[, some]] = (await this.#find([partition], age)) as [[number, Published[]]];
    }
  }

  /** The first of these publications to one log, as many as a page has: one at least. */
  async #lookUp(publications: readonly Published[]): Promise<Unfinished[]> {
    const { channel, position } = publications[0]!;
    const [epoch, end] = await this.#current(channel, publications.at(-1)!.position);
    const page = await this.#read(channel, [epoch, position[1] - 1]);
    if (page.gap === 'epoch') return this.#lookUp(publications); // it has changed just now
    const entries = new Map((page.gap ? [] : page.entries).map((entry) => [entry.offset, entry]));
    // What is before the oldest was trimmed, and what is behind the head was lost.
    const upTo = page.gap === 'trimmed' ? page.oldest - 1 : Math.max(...entries.keys());
    const isAll = page.gap === 'future' || upTo >= page.head || upTo < position[1];
    const some = isAll ? publications : publications.filter(({ position: [, offset] }) => offset <= upTo);
    return some.map((one) => ({ ...one, entry: one.position[1] <= end ? entries.get(one.position[1]) : undefined }));
  }

  /** Under which epoch the log has what it had under this one, and up to where: 0 if that is not known. */
  async #current(channel: string, last: Position): Promise<Position> {
    const page = await this.#read(channel, last, { limit: 1 });
    return page.gap === 'epoch' ? [page.epoch, page.continues ?? 0] : last;
  }

  async #forget(groups: readonly (readonly [partition: number, publications: readonly Published[]])[]): Promise<void> {
    const access = this.#access;
    const keys = groups.map(([partition]) => followUpsIn(access.base(partition)));
    const args = groups.flatMap(([, publications]) => [publications.length, ...publications.map(nameOf)]);
    await access.run(groups[0]![0], FORGET_SCRIPT, keys, args);
  }
}

/** As the script that appends names it: by how many digits the offset has, so that names are in the order of offsets. */
function nameOf({ channel, position: [epoch, offset] }: Published): string {
  const digits = String(offset);
  return `${epoch} ${String.fromCharCode(96 + digits.length)}${digits} ${channel}`;
}

function published(name: string): Published {
  const [epoch = '', offset = ''] = name.split(' ', 2);
  return { channel: name.slice(epoch.length + offset.length + 2), position: [epoch, Number(offset.slice(1))] };
}

function range(from: number, length: number): number[] {
  return Array.from({ length }, (_, n) => from + n);
}
