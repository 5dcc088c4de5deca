import type { Clock } from '../../clock.ts';
import type { Group, GroupListener, Membership, Wavering } from '../../nodes/index.ts';
import { encodeMember, JsonText, type Subscribed } from '../../protocol/index.ts';
import type { FanOut } from '../fan-outs.ts';
import { type HubMessage, Outgoing } from '../outgoing.ts';
import type { Shares } from '../shares.ts';
import type { Rules } from './rules.ts';

/** Milliseconds between two counts: in a large channel somebody joins or leaves all the time. */
const COUNT_PAUSE = 1_000;
/** Memory of a member besides its data. */
const MEMBER_BYTES = 256;

const KIND = 'members:';

/** The group of a channel's members. */
export function groupOf(channel: string): string {
  return KIND + channel;
}

/** The channel of a group; undefined for a group of another kind. */
export function channelOf(group: string): string | undefined {
  return group.startsWith(KIND) ? group.slice(KIND.length) : undefined;
}

/** A `Presence` as JSON. `members`: a list as JSON. */
export function snapshotOf(count: number, members: string | undefined): string {
  return members === undefined ? `{"count":${count}}` : `{"count":${count},"members":${members}}`;
}

/** What the presence of every channel needs. */
export interface PresenceContext {
  readonly clock: Clock;
  readonly fanOuts: FanOut;
  /** Milliseconds for which a member whose connection was lost is still shown. */
  readonly linger: number;
  /** Bytes used by the members of each client address. */
  readonly members: Shares;
  /** Who is where, for all nodes. */
  readonly membership: Membership;
}

/** A connection of a member, perhaps already lost. */
interface Through {
  /** The member as this connection gave it: JSON. */
  readonly member: string;
  /** The client address that the memory counts for, and its bytes. */
  readonly owner: string;
  readonly bytes: number;
  /** Set while the connection is lost and the member still shown. */
  leaving: { readonly at: number; readonly cancel: () => void } | null;
}

interface Here {
  /** As others see it: from the newest of its connections, on all nodes. Empty if nobody was told of it yet. */
  shown: string;
  /** Its connections on this node by their id, in the order of joining. */
  through: Map<string, Through> | null;
}

/**
 * The members of one channel on all nodes, as this node's subscribers are told of them. A user with several connections
 * is one member.
 */
export class Presence implements GroupListener {
  /** The topic of those who get its changes. */
  readonly topic: string;
  readonly #context: PresenceContext;
  readonly #name: string;
  readonly #number: number;
  readonly #rules: Rules;
  readonly #isCount: boolean;
  readonly #members = new Map<string, Here>();
  #group: Group | null = null;
  #isKnown = false;
  /** Those who are shown. */
  #count = 0;
  /** Characters of all that is shown. */
  #size = 0;
  /** The list is so large that only the count is sent. */
  #isLarge = false;
  #cancelCount: (() => void) | null = null;

  constructor(context: PresenceContext, name: string, number: number, rules: Rules) {
    this.#context = context;
    this.#name = name;
    this.#number = number;
    this.#rules = rules;
    this.#isCount = rules.presence === 'count';
    this.topic = `${number} presence`;
  }

  /** Call before the first `join`. Resolves when it knows who is there; undefined: it does. Rejects as the store does. */
  open(): Promise<void> | undefined {
    this.#group ??= this.#context.membership.follow(groupOf(this.#name), this);
    const { ready } = this.#group;
    if (!ready) this.#isKnown = true;
    return ready?.then(() => {
      this.#isKnown = true;
    });
  }

  /** Whether it knows who is there. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** How many members there are. */
  get count(): number {
    return this.#count;
  }

  /** A `Presence` as JSON. */
  get snapshot(): string {
    return snapshotOf(this.#count, this.#countsOnly ? undefined : this.#list());
  }

  /** As in the answer to `sub`: the members, or only their count. */
  get picture(): Pick<Subscribed<JsonText>, 'count' | 'members'> {
    return this.#countsOnly ? { count: this.#count } : { members: JsonText.written(this.#list()) };
  }

  get #countsOnly(): boolean {
    return this.#isCount || this.#isLarge;
  }

  /**
   * Joins `id` through that connection, with data as JSON. If it was a member already, only other data is announced:
   * that of the connection that joined last.
   * False if the owner's members would take too much memory: then nothing has changed. A promise resolves when the
   * member is in the list, and rejects as the store does: then call `leave`.
   */
  join(id: string, connection: string, owner: string, data: string | undefined): boolean | Promise<true> {
    const member = encodeMember(id, data);
    const bytes = MEMBER_BYTES + 2 * member.length;
    if (!this.#context.members.take(owner, bytes)) return false;
    const here = this.#members.get(id) ?? { shown: '', through: null };
    here.through ??= new Map();
    // They are back, so the lost connection is no longer waited for.
    for (const [lost, { leaving }] of here.through) if (leaving || lost === connection) this.#drop(here.through, lost);
    here.through.set(connection, { member, owner, bytes, leaving: null });
    this.#members.set(id, here);
    const held = this.#group!.hold(id, member);
    return held ? held.then(() => true) : true;
  }

  /**
   * The leave is announced if they do not return in time. `atOnce`: they left on purpose, so it does not wait. `wait`:
   * milliseconds after which they were told to come back.
   */
  leave(id: string, connection: string, atOnce: boolean, wait = 0): void {
    const here = this.#members.get(id)?.through;
    const through = here?.get(connection);
    if (!through) return;
    if (atOnce) {
      this.#remove(id, connection);
      return;
    }
    const { clock } = this.#context;
    const linger = this.#context.linger + wait;
    through.leaving = { at: clock.now() + linger, cancel: clock.after(linger, () => this.#remove(id, connection)) };
    if (here!.values().every(({ leaving }) => leaving)) this.#group!.waver(id);
  }

  close(): void {
    const now = this.#context.clock.now();
    const wavering: Wavering[] = [];
    for (const [id, { through }] of this.#members) {
      let until = now;
      for (const [connection, { leaving }] of through ?? []) {
        until = Math.max(until, leaving?.at ?? now);
        this.#drop(through!, connection);
      }
      if (through) wavering.push([id, until - now]);
    }
    this.#members.clear();
    this.#cancelCount?.();
    this.#cancelCount = null;
    this.#group?.close(wavering);
    this.#group = null;
  }

  onShown(id: string, shown: string): void {
    let here = this.#members.get(id);
    if (here?.shown === shown) return;
    if (!here) {
      here = { shown: '', through: null };
      this.#members.set(id, here);
    }
    if (here.shown === '') this.#count++;
    const grown = shown.length - here.shown.length;
    here.shown = shown;
    this.#resize(grown, this.#join(shown));
  }

  onGone(id: string): void {
    const here = this.#members.get(id);
    if (!here || here.shown === '') return;
    const { length } = here.shown;
    here.shown = '';
    // Those who are here are shown again as soon as the store has been told.
    if (!here.through) this.#members.delete(id);
    this.#count--;
    this.#resize(-length, ['-', this.#number, id]);
  }

  #list(): string {
    return `[${[...this.#shown()].join()}]`;
  }

  *#shown(): Iterable<string> {
    for (const { shown } of this.#members.values()) if (shown !== '') yield shown;
  }

  #drop(through: Map<string, Through>, connection: string): void {
    const { owner, bytes, leaving } = through.get(connection)!;
    leaving?.cancel();
    through.delete(connection);
    this.#context.members.giveBack(owner, bytes);
  }

  /** Shows the member as its remaining connections give it; without any, it is no longer held here. */
  #remove(id: string, connection: string): void {
    const here = this.#members.get(id)!;
    this.#drop(here.through!, connection);
    const last = [...here.through!.values()].at(-1);
    if (last) {
      this.#group!.hold(id, last.member)?.catch(() => {}); // it is stored later
      return;
    }
    here.through = null;
    if (here.shown === '') this.#members.delete(id);
    this.#group!.release(id);
  }

  #join(member: string): HubMessage {
    return ['+', this.#number, JsonText.written(member)];
  }

  /** The list has changed by this message: sends it, or only the count. */
  #resize(grown: number, change: HubMessage): void {
    const most = this.#rules.maxMembers;
    this.#size += grown;
    if (this.#size > most) this.#isLarge = true;
    // Not at the same size at which it became large, or each join and leave would send the list to everybody.
    const isSmall = this.#isLarge && this.#size <= most / 2;
    if (isSmall) this.#isLarge = false;
    if (this.#countsOnly) this.#countSoon();
    else if (isSmall) this.#tell([...this.#shown()].map((shown) => this.#join(shown)));
    else this.#tell([change]);
  }

  #countSoon(): void {
    this.#cancelCount ??= this.#context.clock.after(COUNT_PAUSE, () => {
      this.#cancelCount = null;
      if (this.#countsOnly) this.#tell([['n', this.#number, this.#count]]);
    });
  }

  #tell(messages: readonly HubMessage[]): void {
    if (messages.length > 0) this.#context.fanOuts.publish(this.topic, new Outgoing(messages));
  }
}
