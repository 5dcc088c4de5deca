import type { Member, ServerMessage, Subscribed } from '../protocol/index.ts';
import type { PresenceEvent } from './messages.ts';

/** A line about members who join or leave. */
export type PresenceLine = Extract<ServerMessage, readonly ['+' | '-' | 'n', ...unknown[]]>;

/** The members of a channel, or only their number in a large one. */
export class PresenceList {
  readonly members = new Map<string, Member>();
  count = 0;

  reset({ members = [], count = members.length }: Subscribed): PresenceEvent {
    this.members.clear();
    for (const member of members) this.members.set(member.id, member);
    return this.#changed(count);
  }

  /** Undefined when nothing changed. */
  take([verb, , what]: PresenceLine): PresenceEvent | undefined {
    const { members } = this;
    // From here on the server only sends the number.
    if (verb === 'n') return this.reset({ count: what });
    if (verb === '+') {
      members.set(what.id, what);
      return { ...this.#changed(), joined: what };
    }
    const left = members.get(what);
    return members.delete(what) ? { ...this.#changed(), left: left! } : undefined;
  }

  #changed(count = this.members.size): PresenceEvent {
    this.count = count;
    return { members: this.members, count };
  }
}
