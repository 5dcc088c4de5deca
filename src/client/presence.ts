import type { Member, Subscribed } from '../protocol/index.ts';
import type { PresenceEvent } from './messages.ts';

/** Who is in a channel, as far as the server tells: in a big one it tells only how many. */
export class PresenceList {
  readonly #members = new Map<string, Member>();
  /** As many as there are members, or as the server counts where it gives none. */
  count = 0;

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  reset({ members = [], count = members.length }: Subscribed): PresenceEvent {
    this.#members.clear();
    for (const member of members) this.#members.set(member.id, member);
    return this.#set(count);
  }

  add(joined: Member): PresenceEvent {
    this.#members.set(joined.id, joined);
    return { ...this.#set(this.#members.size), joined };
  }

  delete(id: string): PresenceEvent | undefined {
    const left = this.#members.get(id);
    if (!left) return undefined;
    this.#members.delete(id);
    return { ...this.#set(this.#members.size), left };
  }

  #set(count: number): PresenceEvent {
    this.count = count;
    return { members: this.#members, count };
  }
}
