import type { Gap, Position } from '../../src/client/index.ts';

/** What is published here: a name unlike every other's, and so many characters of padding. */
export interface Word {
  id: string;
  size: number;
  pad: string;
}

/**
 * What is sent as text is published as a string. Undefined for a part of a word: a raw line that is cut ends like one
 * whose sender is done, and what came of it is its last line.
 */
export function wordOf(data: unknown): Word | undefined {
  if (typeof data !== 'string') return data as Word;
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** The name of what stands in a place. */
export function nameOf(word: Word | undefined, offset: number): string {
  return word?.id ?? `${PART} ${offset}`;
}

export const PART = 'part';

/** One reader's record of one channel, and its complaints about what came. */
export class Witness {
  readonly name: string;
  readonly channel: string;
  readonly seen = new Map<number, string>();
  readonly gaps: { have: number; head: number }[] = [];
  readonly complaints: string[] = [];
  duplicates = 0;
  start = 0;
  #position: Position | undefined;

  constructor(name: string, channel: string) {
    this.name = name;
    this.channel = channel;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  get offset(): number {
    return this.#position?.[1] ?? -1;
  }

  begin(position: Position): void {
    if (this.#position) return;
    this.#position = position;
    this.start = position[1];
  }

  message([epoch, offset]: Position, data: unknown): void {
    const word = wordOf(data);
    const id = nameOf(word, offset);
    if (word && word.pad.length !== word.size) this.complain(`${id} came mutilated`);
    this.#checkEpoch(epoch);
    if (offset <= this.offset) {
      this.duplicates += 1;
      this.complain(`${offset} (${id}) came again, or late, after ${this.offset}`);
      return;
    }
    if (offset !== this.offset + 1) this.complain(`${offset} came after ${this.offset}, without a word`);
    this.seen.set(offset, id);
    this.#position = [epoch, offset];
  }

  gap({ have, oldest, head, epoch }: Gap): void {
    this.#checkEpoch(epoch);
    if (this.channel !== 'short') this.complain('a gap, though all of it is kept');
    if (have[1] !== this.offset) this.complain(`a gap begins after ${have[1]}, but we had ${this.offset}`);
    if (oldest <= this.offset + 1) this.complain(`a gap after ${this.offset}, though the log has all from ${oldest}`);
    this.gaps.push({ have: this.offset, head });
    this.#position = [epoch, head];
  }

  complain(what: string): void {
    this.complaints.push(`${this.name} in ${this.channel}: ${what}`);
  }

  #checkEpoch(epoch: string): void {
    if (this.#position && this.#position[0] !== epoch) this.complain(`the epoch became ${epoch}`);
  }
}
