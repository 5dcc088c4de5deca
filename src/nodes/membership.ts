/**
 * Is told of what becomes of a group: each change in the order that all nodes see. After changes were missed, which is
 * possible when the connection to the store was lost, it is told of the differences instead, those who are gone first. It
 * may be told again what it knows of a member.
 */
export interface GroupListener {
  /** The member has joined, or is shown otherwise from now on. `shown`: as others see it. */
  onShown(member: string, shown: string): void;
  /** The member is held by no node any more. */
  onGone(member: string): void;
}

/** A member whose last connection here was lost, and who has so many milliseconds to return. */
export type Wavering = readonly [member: string, milliseconds: number];

/**
 * What this node says about one group. Calls never throw, and count in their order; what could not be stored is stored
 * as soon as that is possible again.
 */
export interface Group {
  /** Resolves when the listener was told of all who are in the group; undefined: it was. Rejects with LOG_…. */
  readonly ready: Promise<void> | undefined;
  /**
   * The member is here. Resolves when the listener was told of it, undefined: it was. Rejects with LOG_… when that is
   * not stored yet: then the caller may release it, or leave it to be stored later.
   */
  hold(member: string, shown: string): Promise<void> | undefined;
  /** The member's last connection here was lost. One that is held elsewhere too is no longer held here. */
  waver(member: string): void;
  /** The member is no longer here. */
  release(member: string): void;
  /** The listener is told no more. Those who waver stay for a while; there must be no others. */
  close(wavering: Iterable<Wavering>): void;
}

/** Somebody has joined a group, through whichever node, or has left it on all of them. */
export interface MemberNews {
  readonly group: string;
  readonly member: string;
  /** As others see the member, or saw it. */
  readonly shown: string;
  readonly hasJoined: boolean;
}

/** Who is where: groups of members, each of whom is held by one node or several. */
export interface Membership {
  /**
   * How many times changes of a group were missed here, so that it was read from the store instead. By the kind of group,
   * of those kinds that have such groups.
   */
  readonly repairs: ReadonlyMap<string, number>;
  /**
   * Calls the listener with the news that this node has brought about: so all nodes together are told once. A join is
   * brought about by the node that the member came to, a leave by the one that let go last, or that swept a dead one.
   * What was stored while its answer was lost is not told.
   */
  observe(listener: (news: MemberNews) => void): void;
  /**
   * Follows a group. Its name begins with a kind: `members:chat:42`. The listener is told first of all who are in it.
   * It has one follower at a time.
   */
  follow(group: string, listener: GroupListener): Group;
  /** Who is in a group that is not followed here, and how each is shown. Rejects with LOG_…. */
  members(group: string): Promise<ReadonlyMap<string, string>>;
  /** How many are in each of these groups, if they are not followed here. Rejects with LOG_…. */
  counts(groups: readonly string[]): Promise<readonly number[]>;
}
