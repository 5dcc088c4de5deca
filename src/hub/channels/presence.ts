import type { Clock } from '../../clock.ts';
import { encode, encodeJoin, encodeMember } from '../../protocol/index.ts';
import type { FanOut } from '../fan-outs.ts';
import type { Shares } from '../shares.ts';
import type { Rules } from './rules.ts';

/** Milliseconds between two counts that are sent: in a big channel somebody comes or goes all the time. */
const COUNT_PAUSE = 1_000;
/** What a member takes in memory besides its data. */
const MEMBER_BYTES = 256;

/** What the presence of every channel works with. */
export interface PresenceContext {
  readonly clock: Clock;
  readonly fanOuts: FanOut;
  /** Milliseconds for which a member whose connection was lost is still shown. */
  readonly linger: number;
  /** Bytes that the members of each client address take. */
  readonly members: Shares;
}

/** A connection through which a member is here, or was until it was lost. */
interface Through {
  /** The member as this connection said it: JSON. */
  readonly member: string;
  /** Who answers for the memory, and how much it is. */
  readonly owner: string;
  readonly bytes: number;
  /** Set while the connection is missed and not yet gone. */
  cancelLeaving: (() => void) | null;
}

interface Here {
  /** As others are shown it: what the connection said that came last, of those that are here. */
  shown: string;
  /** By their ids, in the order in which they came. */
  readonly through: Map<string, Through>;
}

/** Who is in one channel on this node. A user on several connections is one member. */
export class Presence {
  /** Who listens to it hears of those who come and go. */
  readonly topic: string;
  readonly #context: PresenceContext;
  readonly #number: number;
  readonly #rules: Rules;
  readonly #isCount: boolean;
  readonly #members = new Map<string, Here>();
  /** Characters of all that is shown. */
  #size = 0;
  /** The list has grown so large that only the count is told. */
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

  /** The same as the answer to `sub` has it among others: the members, or their count alone. */
  get picture(): string {
    return this.#countsOnly ? `"count":${this.#members.size}` : this.#list();
  }

  get #countsOnly(): boolean {
    return this.#isCount || this.#isLarge;
  }

  /**
   * `id` is here through that connection, with data that is JSON. Somebody who was here already is news only with other
   * data. False when the owner's members take as much memory as they may: then nothing has changed.
   */
  join(id: string, connection: string, owner: string, data: string | undefined): boolean {
    const member = encodeMember(id, data);
    const bytes = MEMBER_BYTES + 2 * member.length;
    if (!this.#context.members.take(owner, bytes)) return false;
    const here = this.#members.get(id) ?? { shown: '', through: new Map() };
    // They are back: what was lost is missed no longer.
    for (const [lost, { cancelLeaving }] of here.through) if (cancelLeaving) this.#drop(here, lost);
    here.through.set(connection, { member, owner, bytes, cancelLeaving: null });
    this.#members.set(id, here);
    this.#show(here, member);
    return true;
  }

  /** Is told as news when they are not back in time. `atOnce`: they said goodbye, and are not waited for. */
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

  /** The member is shown as those say who are left; none, and it is gone. */
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

  /** The list has changed, as the line says it: tells it, or the count alone. */
  #resize(grown: number, line: string): void {
    const most = this.#rules.maxMembers;
    this.#size += grown;
    if (this.#size > most) this.#isLarge = true;
    // Not at the very size from which on it was large, or each who comes and goes would send the list to everybody.
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
