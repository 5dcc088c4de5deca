import type { Clock } from '../../clock.ts';
import { encode, encodeJoin, encodeMember } from '../../protocol/index.ts';
import type { FanOut } from '../fan-outs.ts';
import type { Shares } from '../shares.ts';
import type { Rules } from './rules.ts';

/** Milliseconds between two counts: in a large channel somebody joins or leaves all the time. */
const COUNT_PAUSE = 1_000;
/** Memory of a member besides its data. */
const MEMBER_BYTES = 256;

/** What the presence of every channel needs. */
export interface PresenceContext {
  readonly clock: Clock;
  readonly fanOuts: FanOut;
  /** Milliseconds for which a member whose connection was lost is still shown. */
  readonly linger: number;
  /** Bytes used by the members of each client address. */
  readonly members: Shares;
}

/** A connection of a member, perhaps already lost. */
interface Through {
  /** The member as this connection gave it: JSON. */
  readonly member: string;
  /** The client address that the memory counts for, and its bytes. */
  readonly owner: string;
  readonly bytes: number;
  /** Set while the connection is lost and the member still shown. */
  cancelLeaving: (() => void) | null;
}

interface Here {
  /** As others see it: from the newest of its connections. */
  shown: string;
  /** By connection id, in the order of joining. */
  readonly through: Map<string, Through>;
}

/** The members of one channel on this node. A user with several connections is one member. */
export class Presence {
  /** The topic of those who get its changes. */
  readonly topic: string;
  readonly #context: PresenceContext;
  readonly #number: number;
  readonly #rules: Rules;
  readonly #isCount: boolean;
  readonly #members = new Map<string, Here>();
  /** Characters of all that is shown. */
  #size = 0;
  /** The list is so large that only the count is sent. */
  #isLarge = false;
  #cancelCount: (() => void) | null = null;

  constructor(context: PresenceContext, number: number, rules: Rules) {
    this.#context = context;
    this.#number = number;
    this.#rules = rules;
    this.#isCount = rules.presence === 'count';
    this.topic = `${number} presence`;
  }

  /** A `Presence` as JSON. */
  get snapshot(): string {
    const count = `"count":${this.#members.size}`;
    return this.#countsOnly ? `{${count}}` : `{${count},${this.#list()}}`;
  }

  /** As in the answer to `sub`: the members, or only their count. */
  get picture(): string {
    return this.#countsOnly ? `"count":${this.#members.size}` : this.#list();
  }

  get #countsOnly(): boolean {
    return this.#isCount || this.#isLarge;
  }

  /**
   * Joins `id` through that connection, with data as JSON. If it was a member already, only other data is announced.
   * False if the owner's members would take too much memory: then nothing has changed.
   */
  join(id: string, connection: string, owner: string, data: string | undefined): boolean {
    const member = encodeMember(id, data);
    const bytes = MEMBER_BYTES + 2 * member.length;
    if (!this.#context.members.take(owner, bytes)) return false;
    const here = this.#members.get(id) ?? { shown: '', through: new Map() };
    // They are back, so the lost connection is no longer waited for.
    for (const [lost, { cancelLeaving }] of here.through) if (cancelLeaving) this.#drop(here, lost);
    here.through.set(connection, { member, owner, bytes, cancelLeaving: null });
    this.#members.set(id, here);
    this.#show(here, member);
    return true;
  }

  /** The leave is announced if they do not return in time. `atOnce`: they left on purpose, so it does not wait. */
  leave(id: string, connection: string, atOnce: boolean): void {
    const through = this.#members.get(id)?.through.get(connection);
    if (!through) return;
    if (atOnce) this.#remove(id, connection);
    else through.cancelLeaving = this.#context.clock.after(this.#context.linger, () => this.#remove(id, connection));
  }

  close(): void {
    for (const here of this.#members.values())
      for (const connection of [...here.through.keys()]) this.#drop(here, connection);
    this.#members.clear();
    this.#cancelCount?.();
    this.#cancelCount = null;
  }

  #list(): string {
    return `"members":[${[...this.#members.values()].map(({ shown }) => shown).join()}]`;
  }

  #drop(here: Here, connection: string): void {
    const { owner, bytes, cancelLeaving } = here.through.get(connection)!;
    cancelLeaving?.();
    here.through.delete(connection);
    this.#context.members.giveBack(owner, bytes);
  }

  /** Shows the member as its remaining connections give it; without any, it is removed. */
  #remove(id: string, connection: string): void {
    const here = this.#members.get(id)!;
    this.#drop(here, connection);
    const last = [...here.through.values()].at(-1);
    if (last) {
      this.#show(here, last.member);
      return;
    }
    this.#members.delete(id);
    this.#resize(-here.shown.length, encode(['-', this.#number, id]));
  }

  #show(here: Here, member: string): void {
    if (here.shown === member) return;
    const grown = member.length - here.shown.length;
    here.shown = member;
    this.#resize(grown, encodeJoin(this.#number, member));
  }

  /** The list has changed by this line: sends the line, or only the count. */
  #resize(grown: number, line: string): void {
    const most = this.#rules.maxMembers;
    this.#size += grown;
    if (this.#size > most) this.#isLarge = true;
    // Not at the same size at which it became large, or each join and leave would send the list to everybody.
    const isSmall = this.#isLarge && this.#size <= most / 2;
    if (isSmall) this.#isLarge = false;
    if (this.#countsOnly) this.#countSoon();
    else if (isSmall)
      this.#tell([...this.#members.values()].map(({ shown }) => encodeJoin(this.#number, shown)).join('\n'));
    else this.#tell(line);
  }

  #countSoon(): void {
    this.#cancelCount ??= this.#context.clock.after(COUNT_PAUSE, () => {
      this.#cancelCount = null;
      if (this.#countsOnly) this.#tell(encode(['n', this.#number, this.#members.size]));
    });
  }

  #tell(line: string): void {
    if (line !== '') this.#context.fanOuts.publish(this.topic, line);
  }
}
