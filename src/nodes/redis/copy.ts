import type { Clock } from '../../clock.ts';
import type { GroupListener } from '../membership.ts';
import { read } from './names.ts';

/** What became of a group between two versions. */
export interface Change {
  readonly before: number;
  readonly after: number;
  /** `+member` and how it is shown, or `-member` and nothing. */
  readonly parts: readonly string[];
}

export interface CopyOptions {
  readonly listener: GroupListener;
  readonly clock: Clock;
  /** The version of the group, or the time if it is empty; then each member and how it is shown. */
  readonly fetch: () => Promise<readonly string[]>;
  /**
   * Whether nodes may still have to say who is there, since Redis was away: then who is missing from what was read has
   * not left. The group is read again later.
   */
  readonly isQuiet: () => boolean;
  /** Changes were missed: the listener is told the differences of what was read. Default: nobody is told. */
  readonly onMissed?: () => void;
}

/** Milliseconds that an announcement may come after an answer that has it already. */
const GRACE = 250;

/** The change in an announcement, or in the answer of the script. */
export function changeOf([before, after, ...parts]: readonly string[]): Change {
  return { before: Number(before), after: Number(after), parts };
}

/**
 * Who is in a group, as far as this node was told. An announcement that does not follow the last one shows that one is
 * missing: then the whole group is read, and the listener is told the differences. A copy that has missed nothing tells
 * what was announced, one by one and in its order, however often it is read.
 */
export class Copy {
  readonly #options: CopyOptions;
  readonly #members = new Map<string, string>();
  #version = 0;
  /** Changes that do not follow yet, by the version before each. */
  readonly #ahead = new Map<number, Change>();
  /** Changes that came since it was asked who is in the group, in their order: the answer may be older. */
  #since: Change[] | null = null;
  #isRead = false;
  #reading: Promise<void> | undefined;
  #again = false;
  #isClosed = false;
  readonly #waiting = new Set<{ isOver: () => boolean; resolve: () => void }>();

  constructor(options: CopyOptions) {
    this.#options = options;
  }

  get version(): number {
    return this.#version;
  }

  /** Whether it has all up to this version; 0 stands for an empty group. */
  has(version: number): boolean {
    return version === (this.#members.size === 0 ? 0 : this.#version);
  }

  /** Takes a change that was announced. Returns false when one before it is missing, and nobody reads the group. */
  take(change: Change): boolean {
    if (this.#isClosed) return true;
    if (this.#since) insert(this.#since, change);
    if (this.#follows(change)) {
      for (let next: Change | undefined = change; next; next = this.#next()) this.#apply(next);
      this.#wake();
      return true;
    }
    // An old one, unless the group was emptied meanwhile: then the clock of another server may have gone back.
    if (change.after <= this.#version) return change.before !== 0 || this.#members.size > 0;
    this.#ahead.set(change.before, change);
    return this.#since !== null;
  }

  /** Reads the group. Rejects as the store does; the copy is then as before. */
  fetch(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#fetch().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Resolves when it has this version, or a later one. */
  reached(version: number): Promise<void> | undefined {
    const isOver = () => this.#isClosed || this.#version >= version;
    return isOver() ? undefined : new Promise((resolve) => this.#waiting.add({ isOver, resolve }));
  }

  close(): void {
    this.#isClosed = true;
    this.#members.clear();
    this.#ahead.clear();
    this.#wake();
  }

  /** Whether a change is the next one. */
  #follows(change: Change): boolean {
    return goesOn(this.#version, change) && (change.before !== 0 || this.#members.size === 0);
  }

  #next(): Change | undefined {
    for (const before of [this.#version, 0]) {
      const change = this.#ahead.get(before);
      if (!change || !this.#follows(change)) continue;
      this.#ahead.delete(before);
      return change;
    }
    return undefined;
  }

  #apply(change: Change): void {
    this.#version = change.after;
    for (const [member, shown] of membersOf(change)) this.#set(member, shown);
  }

  async #fetch(): Promise<void> {
    while (this.#again && !this.#isClosed) {
      this.#again = false;
      this.#since = [];
      try {
        const [version, ...parts] = await this.#options.fetch();
        if (this.#isRead) await this.#hear(Number(version), parts.length === 0, this.#since);
        if (!this.#isClosed) this.#replace(Number(version), parts, this.#since);
      } finally {
        this.#since = null;
      }
    }
  }

  /**
   * Waits a little for the announcements of what an answer has, which come by another connection: so the listener is told
   * what all others are told.
   */
  #hear(version: number, isEmpty: boolean, since: readonly Change[]): Promise<void> | undefined {
    const isOver = () => {
      const last = since.reduce((end, change) => (goesOn(end, change) ? change.after : end), version);
      if (isEmpty && last === version) return this.#members.size === 0;
      // If it is beyond that, Redis has lost the end of what it had.
      return this.#version >= last;
    };
    if (isOver()) return undefined;
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#waiting.delete(one);
        resolve();
      };
      const one = { isOver: () => this.#isClosed || isOver(), resolve: end };
      const cancel = this.#options.clock.after(GRACE, end);
      this.#waiting.add(one);
    });
  }

  #replace(version: number, parts: readonly string[], since: readonly Change[]): void {
    const all = new Map<string, string>();
    for (let at = 0; at < parts.length; at += 2) all.set(read(parts[at]!), parts[at + 1]!);
    let stored = version;
    // What was announced meanwhile may be newer than the answer.
    for (const change of since) {
      if (!goesOn(stored, change)) continue;
      if (change.before === 0) all.clear();
      for (const [member, shown] of membersOf(change))
        if (shown === undefined) all.delete(member);
        else all.set(member, shown);
      stored = change.after;
    }
    let hasMissed = all.size > 0 && stored !== this.#version;
    // Who comes and goes in an empty group may still be announced.
    const isStillEmpty = stored === version && all.size === 0 && this.#members.size === 0;
    if (!isStillEmpty) this.#version = stored;
    const set = (member: string, shown: string | undefined) => {
      if (this.#set(member, shown)) hasMissed = true;
    };
    if (!this.#options.isQuiet())
      for (const member of [...this.#members.keys()]) if (!all.has(member)) set(member, undefined);
    for (const [member, shown] of all) set(member, shown);
    if (hasMissed && this.#isRead) this.#options.onMissed?.();
    this.#isRead = true;
    // What was ahead before the question is in the answer, or was lost with the end of what Redis had.
    this.#ahead.clear();
    for (const change of since) if (change.after > this.#version) this.#ahead.set(change.before, change);
    if (this.#ahead.size > 0) this.#again = true;
    this.#wake();
  }

  /** True if that is new. */
  #set(member: string, shown: string | undefined): boolean {
    const { listener } = this.#options;
    if (this.#members.get(member) === shown) return false;
    if (shown === undefined) {
      this.#members.delete(member);
      listener.onGone(member);
    } else {
      this.#members.set(member, shown);
      listener.onShown(member, shown);
    }
    return true;
  }

  #wake(): void {
    for (const one of this.#waiting) {
      if (!one.isOver()) continue;
      this.#waiting.delete(one);
      one.resolve();
    }
  }
}

function insert(changes: Change[], change: Change): void {
  const at = changes.findLastIndex(({ after }) => after <= change.after);
  changes.splice(at + 1, 0, change);
}

/** Whether a change is newer than a version, and nothing is missing between them: before 0, the group was empty. */
function goesOn(version: number, { before, after }: Change): boolean {
  return after > version && (before === version || before === 0);
}

/** Each member that has changed, and how it is shown; undefined: it is gone. */
function* membersOf({ parts }: Change): Iterable<[member: string, shown: string | undefined]> {
  for (let at = 0; at < parts.length; at += 2)
    yield [read(parts[at]!.slice(1)), parts[at]![0] === '+' ? parts[at + 1]! : undefined];
}
