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
  /** The version of the group, then each member and how it is shown. */
  readonly fetch: () => Promise<readonly string[]>;
  /**
   * Whether nodes may still have to say who is there, since Redis was away: then who is missing from what was read has
   * not left. The group is read again later.
   */
  readonly isQuiet: () => boolean;
}

/** The change in an announcement, or in the answer of the script. */
export function changeOf([before, after, ...parts]: readonly string[]): Change {
  return { before: Number(before), after: Number(after), parts };
}

/**
 * Who is in a group, as far as this node was told. An announcement that does not follow the last one shows that one is
 * missing: then the whole group is read, and the listener is told the differences.
 */
export class Copy {
  readonly #options: CopyOptions;
  readonly #members = new Map<string, string>();
  #version = 0;
  /** Changes that come while the group is read. */
  #early: Change[] | null = null;
  #reading: Promise<void> | undefined;
  #again = false;
  #isClosed = false;
  readonly #waiting = new Set<{ version: number; resolve: () => void }>();

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

  /** Takes a change that was announced. Returns false when one before it is missing. */
  take(change: Change): boolean {
    if (this.#early) {
      this.#early.push(change);
      return true;
    }
    if (this.#isClosed) return true;
    const { before, after } = change;
    const isNext = before === this.#version || (before === 0 && this.#members.size === 0);
    if (!isNext) return after <= this.#version;
    this.#version = after;
    for (const [member, shown] of membersOf(change)) this.#set(member, shown);
    this.#wake();
    return true;
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
    if (this.#isClosed || this.#version >= version) return undefined;
    return new Promise((resolve) => this.#waiting.add({ version, resolve }));
  }

  close(): void {
    this.#isClosed = true;
    this.#members.clear();
    this.#wake();
  }

  async #fetch(): Promise<void> {
    while (this.#again && !this.#isClosed) {
      this.#again = false;
      this.#early = [];
      let answer: readonly string[] | undefined;
      try {
        answer = await this.#options.fetch();
      } finally {
        const early = this.#early;
        this.#early = null;
        // In their order, as other nodes are told; the answer adds what is missing before them.
        for (const change of early) if (!this.take(change) && !answer) this.#again = true;
        if (answer && !this.#isClosed) this.#replace(answer, early);
      }
    }
  }

  #replace([version, ...parts]: readonly string[], early: readonly Change[]): void {
    const all = new Map<string, string>();
    for (let at = 0; at < parts.length; at += 2) all.set(read(parts[at]!), parts[at + 1]!);
    let stored = Number(version);
    // What was announced meanwhile may be newer than the answer.
    for (const change of early) {
      if (change.after <= stored) continue;
      if (change.before === stored || (change.before === 0 && all.size === 0)) {
        for (const [member, shown] of membersOf(change))
          if (shown === undefined) all.delete(member);
          else all.set(member, shown);
        stored = change.after;
      } else if (stored > 0) this.#again = true;
    }
    // An empty group has no version: what was announced before it was empty is still known by its own.
    if (stored !== 0) this.#version = stored;
    if (!this.#options.isQuiet())
      for (const member of [...this.#members.keys()]) if (!all.has(member)) this.#set(member, undefined);
    for (const [member, shown] of all) this.#set(member, shown);
    this.#wake();
  }

  #set(member: string, shown: string | undefined): void {
    const { listener } = this.#options;
    if (this.#members.get(member) === shown) return;
    if (shown === undefined) {
      this.#members.delete(member);
      listener.onGone(member);
    } else {
      this.#members.set(member, shown);
      listener.onShown(member, shown);
    }
  }

  #wake(): void {
    for (const one of this.#waiting) {
      if (!this.#isClosed && one.version > this.#version) continue;
      this.#waiting.delete(one);
      one.resolve();
    }
  }
}

/** Each member that has changed, and how it is shown; undefined: it is gone. */
function* membersOf({ parts }: Change): Iterable<[member: string, shown: string | undefined]> {
  for (let at = 0; at < parts.length; at += 2)
    yield [read(parts[at]!.slice(1)), parts[at]![0] === '+' ? parts[at + 1]! : undefined];
}
