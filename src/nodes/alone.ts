import { type Clock, systemClock } from '../clock.ts';
import type { Group, GroupListener, MemberNews, Membership, Wavering } from './membership.ts';
import type { Nodes } from './nodes.ts';

/** Members of a group that nobody follows any more, who have some time to return. */
type Absent = Map<string, { readonly shown: string; readonly cancel: () => void }>;

interface OwnGroupOptions {
  readonly name: string;
  readonly listener: GroupListener;
  /** Those who were here when it was last followed. */
  readonly absent: Absent;
  readonly tell: (news: MemberNews) => void;
  readonly onClosed: (wavering: ReadonlyMap<string, readonly [shown: string, milliseconds: number]>) => void;
}

/** A group that only this process knows: what it says is so at once. */
class OwnGroup implements Group {
  readonly ready = undefined;
  readonly #options: OwnGroupOptions;
  readonly #members = new Map<string, string>();

  constructor(options: OwnGroupOptions) {
    this.#options = options;
  }

  hold(member: string, shown: string): undefined {
    const { name: group, listener, absent, tell } = this.#options;
    const isNew = !this.#members.has(member) && !absent.has(member);
    absent.get(member)?.cancel();
    absent.delete(member);
    this.#members.set(member, shown);
    listener.onShown(member, shown);
    if (isNew) tell({ group, member, shown, hasJoined: true });
  }

  waver(): void {}

  release(member: string): void {
    const { name: group, listener, tell } = this.#options;
    const shown = this.#members.get(member);
    if (shown === undefined) return;
    this.#members.delete(member);
    listener.onGone(member);
    tell({ group, member, shown, hasJoined: false });
  }

  /** Nobody is left to whom those who waver could be shown. */
  close(wavering: Iterable<Wavering>): void {
    const left = [...wavering].map(([member, wait]) => [member, [this.#members.get(member) ?? '', wait]] as const);
    this.#options.onClosed(new Map(left));
  }
}

/** The only node: it stores nothing, and costs nothing. */
export class Alone implements Nodes {
  readonly membership: Membership = {
    repairs: new Map(),
    observe: (listener) => {
      this.#tell = listener;
    },
    follow: (name, listener) => this.#follow(name, listener),
    members: async () => new Map(),
    counts: async (groups) => groups.map(() => 0),
  };

  readonly others = undefined;
  readonly #clock: Clock;
  readonly #absent = new Map<string, Absent>();
  #tell: (news: MemberNews) => void = () => {};

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {
    for (const absent of this.#absent.values()) for (const { cancel } of absent.values()) cancel();
    this.#absent.clear();
  }

  #follow(name: string, listener: GroupListener): Group {
    const absent: Absent = this.#absent.get(name) ?? new Map();
    return new OwnGroup({
      name,
      listener,
      absent,
      tell: (news) => this.#tell(news),
      onClosed: (wavering) => {
        for (const [member, [shown, wait]] of wavering) {
          const cancel = this.#clock.after(wait, () => {
            absent.delete(member);
            if (absent.size === 0) this.#absent.delete(name);
            this.#tell({ group: name, member, shown, hasJoined: false });
          });
          absent.set(member, { shown, cancel });
        }
        if (absent.size > 0) this.#absent.set(name, absent);
      },
    });
  }
}
