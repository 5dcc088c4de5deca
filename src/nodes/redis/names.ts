import type { RedisAccess } from '../../broker/index.ts';

/** The keys of a group, and the topic of its changes. */
export interface GroupNames {
  readonly partition: number;
  readonly who: string;
  readonly topic: string;
}

/** A group `members:chat:42` is in the partition of its channel, and any other where its name leads. */
export function namesOf(access: RedisAccess, group: string): GroupNames {
  const partition = access.partitionOf(group.startsWith('members:') ? group.slice('members:'.length) : group);
  const who = `${access.base(partition)}:who:${group}`;
  return { partition, who, topic: who };
}

/** The members that a node holds in a partition. */
export function heldBy(access: RedisAccess, partition: number, node: string): string {
  return `${access.base(partition)}:held:${node}`;
}

/** What the nodes know of each other: all of it is in one partition. */
export function clusterNames(access: RedisAccess): { partition: number; base: string; lease: readonly string[] } {
  const partition = access.partitionOf('nodes');
  const base = `${access.base(partition)}:nodes`;
  return { partition, base, lease: ['living', 'dying', 'known', 'town'].map((name) => `${base}:${name}`) };
}

/** The topic in which a node hears what others ask it. */
export function topicOf(access: RedisAccess, node: string): string {
  return `${clusterNames(access).base}:to:${node}`;
}

/** Characters below the space, and the one that stands for them. */
const SPECIAL = /[^ -\uffff]|%/g;

/** A name for the scripts, which use control characters between names. */
export function written(name: string): string {
  return name.replace(SPECIAL, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export function read(text: string): string {
  return text.includes('%')
    ? text.replace(/%([\da-f]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
    : text;
}
