import type { RedisAccess } from '../../broker/index.ts';
import type { Roster, RosterListener } from '../roster.ts';
import type { RedisMembership } from './membership.ts';

/** Groups that share the names of one roster, so that not all of them are in one key. It can never change. */
export const SHARDS = 16;

/** Names in groups of the membership: so they go with their node when it dies. */
export class RedisRoster implements Roster {
  readonly #access: RedisAccess;
  readonly #membership: RedisMembership;
  /** The groups are `<kind>:0` and so on. */
  readonly #kind: string;

  constructor(access: RedisAccess, membership: RedisMembership, kind: string) {
    this.#access = access;
    this.#membership = membership;
    this.#kind = kind;
  }

  get groups(): readonly string[] {
    return Array.from({ length: SHARDS }, (_, shard) => `${this.#kind}:${shard}`);
  }

  add(name: string): void {
    this.#membership.hold(this.#groupOf(name), name);
  }

  remove(name: string, wait = 0): void {
    this.#membership.letGo(this.#groupOf(name), name, wait);
  }

  async names(): Promise<string[]> {
    const all = await Promise.all(this.groups.map((group) => this.#membership.members(group)));
    return all.flatMap((members) => [...members.keys()]);
  }

  nodesOf(name: string): Promise<string[]> {
    return this.#membership.holders(this.#groupOf(name), name);
  }

  async follow({ onCome, onGo }: RosterListener): Promise<() => void> {
    const followed = this.groups.map((group) => this.#membership.follow(group, { onShown: onCome, onGone: onGo }));
    const stop = () => {
      for (const group of followed) group.close([]);
    };
    try {
      await Promise.all(followed.map(({ ready }) => ready));
    } catch (error) {
      stop();
      throw error;
    }
    return stop;
  }

  #groupOf(name: string): string {
    return `${this.#kind}:${this.#access.partitionOf(name) % SHARDS}`;
  }
}
