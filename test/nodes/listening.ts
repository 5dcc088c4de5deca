import type { Group, GroupListener, Membership } from '../../src/nodes/index.ts';

/** A listener that keeps what it is told, and who is there by that. */
export class Listening implements GroupListener {
  readonly told: string[] = [];
  readonly members = new Map<string, string>();

  onShown(member: string, shown: string): void {
    if (this.members.get(member) === shown) return;
    this.members.set(member, shown);
    this.told.push(`+${member} ${shown}`);
  }

  onGone(member: string): void {
    if (!this.members.delete(member)) throw new Error(`it was not there: ${member}`);
    this.told.push(`-${member}`);
  }
}

/** Follows a group, and waits until it is known. */
export async function follow(membership: Membership, name: string): Promise<{ group: Group; listening: Listening }> {
  const listening = new Listening();
  const group = membership.follow(name, listening);
  await group.ready;
  return { group, listening };
}
