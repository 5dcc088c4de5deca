import { hash } from 'node:crypto';
import type { KeyWindow } from './key-window.ts';
import { agedBy, type Moment } from './log-time.ts';

/** SHA-256 as a text of 32 characters. 128 bits of a name are compared, and 64 of data. */
export type Digest = string;

/** Records allocated at a time. */
const CHUNK = 128;
/** Words of a record: four of the name's digest, two of the data's, and the owner's number. */
const WORDS = 7;
/** Doubles of a record: its offset, and its time. */
const DOUBLES = 2;
/** Number of parts, chosen by the name's digest: a part's index is rebuilt quickly, however large the table is. */
const PARTS = 64;

interface Owner {
  name: string | undefined;
  number: number;
  count: number;
}

/** What is known about a publication with a key. */
export interface Known {
  offset: number;
  /** Whether its data was the same text. */
  isSame: boolean;
}

/**
 * The keys of the publications of the last minutes, outside of the garbage collector's heap. Pure: time is passed in.
 * Keys are removed in the order in which they came, only when their time is over.
 */
export class KeyTable {
  readonly #window: KeyWindow;
  readonly #parts: (Part | undefined)[] = new Array(PARTS);
  readonly #owners = new Map<string | undefined, Owner>();
  readonly #numbered: (Owner | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  #size = 0;

  constructor(window: KeyWindow) {
    this.#window = window;
  }

  /** How many keys it holds, including expired ones that were not purged yet. */
  get size(): number {
    return this.#size;
  }

  /** Bytes allocated. */
  get bytes(): number {
    return this.#parts.reduce((sum, part) => sum + (part?.bytes ?? 0), 0);
  }

  find(name: Digest, data: Digest, moment: Moment): Known | undefined {
    const part = this.#parts[partOf(name)];
    const at = part ? part.find(name) : -1;
    return at < 0 || !this.#isKnown(part!.timeOf(at), moment) ? undefined : part!.known(at, data);
  }

  /** Whether the owner may have another key. Undefined: the server itself. */
  hasRoom(owner: string | undefined, moment: Moment): boolean {
    if (this.#isWithin(owner)) return true;
    this.purge(moment);
    return this.#isWithin(owner);
  }

  #isWithin(owner: string | undefined): boolean {
    const has = this.#owners.get(owner)?.count ?? 0;
    return has < (this.#window.count - this.#size) * (owner === undefined ? 8 : 1);
  }

  add(name: Digest, data: Digest, offset: number, time: number, owner: string | undefined): void {
    const number = partOf(name);
    this.#parts[number] ??= new Part();
    this.#parts[number].add(name, data, offset, time, this.#enter(owner));
    this.#size++;
  }

  /** Reverts the last `add`, which had this name. */
  undo(name: Digest): void {
    this.#leave(this.#parts[partOf(name)]!.pop());
  }

  /** Removes all expired keys. */
  purge(moment: Moment): void {
    for (const part of this.#parts)
      while (part && part.count > 0 && !this.#isKnown(part.timeOf(part.first), moment)) this.#leave(part.shift());
  }

  #isKnown(time: number, moment: Moment): boolean {
    return agedBy(time, moment) + this.#window.ttl > moment.sure;
  }

  #enter(name: string | undefined): number {
    let owner = this.#owners.get(name);
    if (!owner) {
      owner = { name, number: this.#freeNumbers.pop() ?? this.#numbered.length, count: 0 };
      this.#owners.set(name, owner);
      this.#numbered[owner.number] = owner;
    }
    owner.count++;
    return owner.number;
  }

  #leave(number: number): void {
    this.#size--;
    const owner = this.#numbered[number]!;
    if (--owner.count > 0) return;
    this.#owners.delete(owner.name);
    this.#numbered[number] = undefined;
    this.#freeNumbers.push(number);
  }
}

/** A part of the table: records in the order in which they came, with an open-addressed index. */
class Part {
  /** The number of the oldest record, and how many there are. */
  first = 1;
  count = 0;
  #words: Uint32Array[] = [];
  #doubles: Float64Array[] = [];
  /** The number of the first record in the chunks. */
  #base = 1;
  /** Record numbers by name; 0 is empty. Numbers of removed records stay until the index is rebuilt. */
  #index = new Uint32Array(16);
  #used = 0;

  get bytes(): number {
    return this.#index.byteLength + this.#words.length * CHUNK * (4 * WORDS + 8 * DOUBLES);
  }

  find(name: Digest): number {
    const mask = this.#index.length - 1;
    for (let slot = word(name, 0) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#index[slot]!;
      if (number === 0) return -1;
      if (this.#has(number) && this.#isOf(number, name)) return number;
    }
  }

  add(name: Digest, data: Digest, offset: number, time: number, owner: number): void {
    if ((this.#used + 1) * 4 > this.#index.length * 3) this.#rebuild();
    const number = this.first + this.count++;
    if (number - this.#base >= this.#words.length * CHUNK) {
      this.#words.push(new Uint32Array(CHUNK * WORDS));
      this.#doubles.push(new Float64Array(CHUNK * DOUBLES));
    }
    const at = number - this.#base;
    const words = this.#words[Math.floor(at / CHUNK)]!;
    let place = (at % CHUNK) * WORDS;
    for (let n = 0; n < 4; n++) words[place++] = word(name, n);
    for (let n = 0; n < 2; n++) words[place++] = word(data, n);
    words[place] = owner;
    const doubles = this.#doubles[Math.floor(at / CHUNK)]!;
    doubles[(at % CHUNK) * DOUBLES] = offset;
    doubles[(at % CHUNK) * DOUBLES + 1] = time;
    this.#enter(number);
  }

  known(number: number, data: Digest): Known {
    const at = number - this.#base;
    const words = this.#words[Math.floor(at / CHUNK)]!;
    const place = (at % CHUNK) * WORDS + 4;
    const isSame = words[place] === word(data, 0) && words[place + 1] === word(data, 1);
    return { offset: this.#doubles[Math.floor(at / CHUNK)]![(at % CHUNK) * DOUBLES]!, isSame };
  }

  timeOf(number: number): number {
    const at = number - this.#base;
    return this.#doubles[Math.floor(at / CHUNK)]![(at % CHUNK) * DOUBLES + 1]!;
  }

  /** Removes the oldest record; returns its owner. */
  shift(): number {
    const owner = this.#ownerOf(this.first++);
    this.count--;
    if (this.first - this.#base >= CHUNK) {
      this.#words.shift();
      this.#doubles.shift();
      this.#base += CHUNK;
    }
    return owner;
  }

  /** Removes the newest record; returns its owner. */
  pop(): number {
    return this.#ownerOf(this.first + --this.count);
  }

  #ownerOf(number: number): number {
    const at = number - this.#base;
    return this.#words[Math.floor(at / CHUNK)]![(at % CHUNK) * WORDS + 6]!;
  }

  #has(number: number): boolean {
    return number >= this.first && number < this.first + this.count;
  }

  #isOf(number: number, name: Digest): boolean {
    const at = number - this.#base;
    const words = this.#words[Math.floor(at / CHUNK)]!;
    const place = (at % CHUNK) * WORDS;
    for (let n = 0; n < 4; n++) if (words[place + n] !== word(name, n)) return false;
    return true;
  }

  /** The newest record of a name replaces an earlier one. */
  #enter(number: number): void {
    const mask = this.#index.length - 1;
    const at = number - this.#base;
    const words = this.#words[Math.floor(at / CHUNK)]!;
    const place = (at % CHUNK) * WORDS;
    let slot = words[place]! & mask;
    for (let earlier = this.#index[slot]!; earlier !== 0; earlier = this.#index[slot]!) {
      if (earlier !== number && this.#has(earlier) && this.#isSameName(earlier, words, place)) break;
      slot = (slot + 1) & mask;
    }
    if (this.#index[slot] === 0) this.#used++;
    this.#index[slot] = number;
  }

  #isSameName(number: number, words: Uint32Array, place: number): boolean {
    const at = number - this.#base;
    const others = this.#words[Math.floor(at / CHUNK)]!;
    const other = (at % CHUNK) * WORDS;
    for (let n = 0; n < 4; n++) if (words[place + n] !== others[other + n]) return false;
    return true;
  }

  /**
   * Without removed records, and with room for as many again. Numbers start again, so that they always fit into a word.
   */
  #rebuild(): void {
    this.first -= this.#base - 1;
    this.#base = 1;
    let size = 16;
    while (size < 3 * this.count) size *= 2;
    this.#index = new Uint32Array(size);
    this.#used = 0;
    for (let number = this.first; number < this.first + this.count; number++) this.#enter(number);
  }
}

/** The digest of a key in a log. Log names contain no spaces, so log and key are unambiguous. */
export function nameDigest(log: string | number, key: string): Digest {
  return hash('sha256', `${log} ${key}`, 'binary');
}

export function dataDigest(data: string): Digest {
  return hash('sha256', data, 'binary');
}

function word(digest: Digest, number: number): number {
  const at = 4 * number;
  return (
    (digest.charCodeAt(at) |
      (digest.charCodeAt(at + 1) << 8) |
      (digest.charCodeAt(at + 2) << 16) |
      (digest.charCodeAt(at + 3) << 24)) >>>
    0
  );
}

function partOf(name: Digest): number {
  return name.charCodeAt(31) % PARTS;
}
