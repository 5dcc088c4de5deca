import { encode, encodeJoin, encodeMember } from '../protocol/index.ts';
import type { House } from './house.ts';

/** Milliseconds between two counts that are sent: in a big channel somebody comes or goes all the time. */
const COUNT_PAUSE = 1_000;

interface Here {
  /** As others are shown it: JSON. */
  member: string;
  /** The connections through which this member is here; none while they are missed and not yet gone. */
  readonly through: Set<string>;
  cancelLeaving: () => void;
}

/** Who is in one channel on this node. A user on several connections is one member. */
export class Presence {
  /** Who listens to it hears of those who come and go. */
  readonly topic: string;
  readonly #house: House;
  readonly #number: number;
  readonly #countsOnly: boolean;
  readonly #members = new Map<string, Here>();
  #cancelCount: (() => void) | null = null;

  constructor(house: House, number: number, mode: true | 'count') {
    this.#house = house;
    this.#number = number;
    this.#countsOnly = mode === 'count';
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

  /** `id` is here through that connection, with data that is JSON. Somebody who was here already is news only with other data. */
  join(id: string, connection: string, data: string | undefined): void {
    const member = encodeMember(id, data);
    const here = this.#members.get(id);
    if (here) {
      here.cancelLeaving();
      here.through.add(connection);
      if (here.member === member) return;
      here.member = member;
      if (!this.#countsOnly) this.#tell(encodeJoin(this.#number, member));
      return;
    }
    this.#members.set(id, { member, through: new Set([connection]), cancelLeaving: () => {} });
    if (this.#countsOnly) this.#countSoon();
    else this.#tell(encodeJoin(this.#number, member));
  }

  /** Is told as news when they are not back in time. `atOnce`: they said goodbye, and are not waited for. */
  leave(id: string, connection: string, atOnce: boolean): void {
    const here = this.#members.get(id);
    if (!here?.through.delete(connection) || here.through.size > 0) return;
    if (atOnce) this.#remove(id);
    else here.cancelLeaving = this.#house.clock.after(this.#house.linger, () => this.#remove(id));
  }

  close(): void {
    for (const { cancelLeaving } of this.#members.values()) cancelLeaving();
    this.#members.clear();
    this.#cancelCount?.();
    this.#cancelCount = null;
  }

  #list(): string {
    return `"members":[${[...this.#members.values()].map(({ member }) => member).join()}]`;
  }

  #remove(id: string): void {
    this.#members.delete(id);
    if (this.#countsOnly) this.#countSoon();
    else this.#tell(encode(['-', this.#number, id]));
  }

  #countSoon(): void {
    this.#cancelCount ??= this.#house.clock.after(COUNT_PAUSE, () => {
      this.#cancelCount = null;
      this.#tell(encode(['n', this.#number, this.#members.size]));
    });
  }

  #tell(line: string): void {
    this.#house.fanOuts.publish(this.topic, line);
  }
}
