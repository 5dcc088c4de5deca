import { FIELD, type RedisAccess } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { Semaphore } from '../../semaphore.ts';
import type { GroupListener, MemberNews, Membership } from '../membership.ts';
import { type Change, Copy, changeOf } from './copy.ts';
import { RedisGroup } from './group.ts';
import { Holding, type Saying } from './holding.ts';
import type { Lease } from './lease.ts';
import { heldBy, namesOf, read, written } from './names.ts';
import {
  ALL_HELD_SCRIPT,
  COUNTS_SCRIPT,
  GROUP_SCRIPT,
  HOLDERS_SCRIPT,
  MEMBERS_SCRIPT,
  VERSIONS_SCRIPT,
} from './scripts.ts';

export interface MembershipOptions {
  readonly access: RedisAccess;
  readonly clock: Clock;
  readonly lease: Pick<Lease, 'node' | 'until' | 'renew'>;
  /** Whether Redis was away just now, so that nodes still have to say who is there. */
  readonly isQuiet: () => boolean;
}

/** Groups in one question. */
const BATCH = 256;
/** Questions under way at the same time. */
const CALLS = 16;
/** Milliseconds that an announcement may still take. */
const GRACE = 250;

/** Who is where, in Redis. */
export class RedisMembership implements Membership {
  readonly #options: MembershipOptions;
  readonly #followed = new Map<string, RedisGroup>();
  readonly #held = new Map<string, Holding>();
  readonly #repairs = new Map<string, number>();
  /** So many groups are read again at the same time. */
  readonly #few = new Semaphore(BATCH);
  #checking: Promise<void> | undefined;
  #onNews: (news: MemberNews) => void = () => {};

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get repairs(): ReadonlyMap<string, number> {
    return this.#repairs;
  }

  observe(listener: (news: MemberNews) => void): void {
    this.#onNews = listener;
  }

  follow(name: string, listener: GroupListener): RedisGroup {
    const { access, clock, isQuiet } = this.#options;
    const kind = name.slice(0, name.indexOf(':'));
    const onMissed = () => this.#repairs.set(kind, (this.#repairs.get(kind) ?? 0) + 1);
    const copy = new Copy({ listener, clock, fetch: () => this.#fetch(name), isQuiet, onMissed });
    const hear = (message: string) => {
      if (!copy.take(changeOf(message.split(FIELD)))) void copy.fetch().catch(() => {}); // the next check finds it
    };
    const group = new RedisGroup({
      clock,
      copy,
      holding: () => this.#holding(name),
      listen: () => access.listen(namesOf(access, name).topic, hear),
      onClosed: () => {
        if (this.#followed.get(name) === group) this.#followed.delete(name);
      },
    });
    this.#followed.set(name, group);
    return group;
  }

  /** This node holds the member of a group that need not be followed. */
  hold(name: string, member: string): void {
    this.#holding(name)
      .hold(member, '')
      .catch(() => {}); // it is stored later
  }

  letGo(name: string, member: string, wait: number): void {
    const holding = this.#holding(name);
    if (wait === 0) {
      holding.release(member);
      return;
    }
    holding.waver(member);
    holding.releaseIn(member, wait);
  }

  async members(name: string): Promise<Map<string, string>> {
    const [, ...parts] = await this.#fetch(name);
    const members = new Map<string, string>();
    for (let at = 0; at < parts.length; at += 2) members.set(read(parts[at]!), parts[at + 1]!);
    return members;
  }

  async counts(names: readonly string[]): Promise<number[]> {
    return (await this.#askAll(names, COUNTS_SCRIPT)).map(Number);
  }

  async holders(name: string, member: string): Promise<string[]> {
    const { access } = this.#options;
    const { partition, who } = namesOf(access, name);
    return (await access.run(partition, HOLDERS_SCRIPT, [who], [written(member)])) as string[];
  }

  /** Says again what could not be said; `all`: everything that is held. */
  sayAgain(all: boolean): void {
    for (const holding of this.#held.values()) holding.again(all);
  }

  /** This node goes on as another one, and all have left in the name of the one that it was. */
  sayAnew(): void {
    for (const holding of this.#held.values()) holding.anew();
  }

  /**
   * A store that has lost its end may have members as held by this node that it has released: releases them again. Rejects
   * with LOG_….
   */
  async letGoAgain(): Promise<void> {
    const { access, lease } = this.#options;
    const step = access.isCluster ? 1 : BATCH;
    const { node } = lease;
    for (let from = 0; from < access.partitions; from += step * CALLS) {
      const calls = Array.from({ length: CALLS }, (_, at) => from + at * step).filter((at) => at < access.partitions);
      const answers = calls.map((first) => {
        const keys = Array.from({ length: step }, (_, at) => heldBy(access, first + at, node));
        return access.run(first, ALL_HELD_SCRIPT, keys, []) as Promise<string[][]>;
      });
      for (const held of (await Promise.all(answers)).flat(2)) {
        const end = held.indexOf(FIELD);
        this.#holding(held.slice(0, end)).check(read(held.slice(end + 1)));
      }
    }
  }

  /** Reads all groups that are followed, since announcements may have been missed. Never rejects. */
  async readAgain(): Promise<void> {
    await this.#readAll([...this.#followed.values()].map(({ copy }) => copy)).catch(() => {}); // Redis is away again
  }

  /** Reads the groups of which an announcement was missed. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#check()
      .catch(() => {}) // Redis is away; when it is back, all is read
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  /** Releases members by their names in the store, in the name of a node. Rejects with LOG_…. */
  release(group: string, node: string, members: readonly string[]): Promise<Change> {
    return this.#say(
      group,
      node,
      members.map((member) => ['r', member, '']),
    );
  }

  /** Says what is still to be said. Resolves with the milliseconds until the last of those who waver would leave. */
  async close(): Promise<number> {
    const waits = [...this.#held.values()].map((holding) => holding.close());
    return Math.max(0, ...(await Promise.all(waits)));
  }

  #holding(name: string): Holding {
    const { clock, lease } = this.#options;
    let holding = this.#held.get(name);
    if (!holding) {
      const made = new Holding({
        clock,
        say: (sayings) =>
          this.#say(
            name,
            lease.node,
            sayings.map(([verb, member, shown]) => [verb, written(member), shown]),
          ),
        onIdle: () => {
          if (this.#held.get(name) === made && made.isIdle) this.#held.delete(name);
        },
      });
      holding = made;
      this.#held.set(name, made);
    }
    return holding;
  }

  async #say(group: string, node: string, sayings: readonly Saying[]): Promise<Change> {
    const { access, lease } = this.#options;
    const { partition, who, topic } = namesOf(access, group);
    const keys = [who, heldBy(access, partition, node)];
    const args = [group, node, lease.until, access.announce, topic, ...sayings.flat()];
    const [before = '', after, changes, news = ''] = (await access.run(
      partition,
      GROUP_SCRIPT,
      keys,
      args,
    )) as string[];
    if (before === 'lease') {
      void lease.renew();
      throw new ZocaloError('LOG_UNREACHABLE', `${access.place}: this node has lost its lease, and gets another`, {
        advice: 'it is tried again by itself; if this lasts, compare the clocks of the Redis servers',
      });
    }
    this.#tell(group, news.split(FIELD));
    return changeOf([before, after!, ...(changes?.split(FIELD) ?? [])]);
  }

  /** `+member`, shown, or `-member`, how it was shown, one after the other. */
  #tell(group: string, news: readonly string[]): void {
    for (let at = 0; at + 1 < news.length; at += 2) {
      const [change, shown] = [news[at]!, news[at + 1]!];
      this.#onNews({ group, member: read(change.slice(1)), shown, hasJoined: change[0] === '+' });
    }
  }

  async #fetch(name: string): Promise<string[]> {
    const { access } = this.#options;
    const { partition, who } = namesOf(access, name);
    return (await access.run(partition, MEMBERS_SCRIPT, [who], [])) as string[];
  }

  async #check(): Promise<void> {
    const names = [...this.#followed.keys()];
    const behind = await this.#behind(names);
    if (behind.length === 0) return;
    await new Promise<void>((resolve) => this.#options.clock.after(GRACE, resolve));
    await this.#readAll(
      behind.flatMap(([name, version]) => {
        const copy = this.#followed.get(name)?.copy;
        return copy && copy.version === version ? [copy] : [];
      }),
    );
  }

  /** Rejects when one of them could not be read. */
  async #readAll(copies: readonly Copy[]): Promise<void> {
    const read = copies.map((copy) => this.#few.run(() => copy.fetch()));
    const failed = (await Promise.allSettled(read)).find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  /** The groups of which the store has another version, with ours. */
  async #behind(names: readonly string[]): Promise<[name: string, version: number][]> {
    const versions = await this.#askAll(names, VERSIONS_SCRIPT);
    return names.flatMap((name, at): [string, number][] => {
      const copy = this.#followed.get(name)?.copy;
      return copy && !copy.has(Number(versions[at])) ? [[name, copy.version]] : [];
    });
  }

  /** Asks a script that has an answer for each group. */
  async #askAll(names: readonly string[], script: typeof COUNTS_SCRIPT): Promise<(string | number)[]> {
    const { access } = this.#options;
    const all = names.map((name, at) => ({ at, ...namesOf(access, name) }));
    const answers: (string | number)[] = new Array(names.length);
    const asked: Promise<void>[] = [];
    for (const some of Map.groupBy(all, ({ partition }) => (access.isCluster ? partition : 0)).values())
      for (let from = 0; from < some.length; from += BATCH) {
        const batch = some.slice(from, from + BATCH);
        const keys = batch.map(({ who }) => who);
        const ask = access.run(batch[0]!.partition, script, keys, []) as Promise<(string | number)[]>;
        asked.push(
          ask.then((found) => {
            for (const [index, { at }] of batch.entries()) answers[at] = found[index]!;
          }),
        );
      }
    await Promise.all(asked);
    return answers;
  }
}
