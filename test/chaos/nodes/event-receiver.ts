import type { Position } from '../../../src/protocol/index.ts';
import type { Dice } from '../dice.ts';
import { UnreliableApplication } from '../unreliable-application.ts';

const FAILURES = { refused: 0.03, cut: 0, unanswered: 0.03 };

export interface ToldEvent {
  readonly version: number;
  readonly type: 'online' | 'offline' | 'occupied' | 'vacated' | 'published';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly user?: string;
  readonly channel?: string;
  readonly position?: Position;
}

/** An application that all nodes notify, and that does not always answer. */
export class EventReceiver {
  /** Each once, in the order in which they came first. */
  readonly events: ToldEvent[] = [];
  readonly violations: string[] = [];
  /** Events that the nodes say they have dropped. */
  missed = 0;
  /** Those that came again. */
  repeated = 0;
  readonly #texts = new Map<number, string>();
  readonly #application: UnreliableApplication;

  constructor(dice: Dice) {
    this.#application = new UnreliableApplication(dice, FAILURES, (body) => this.#take(JSON.parse(body)));
  }

  open(): Promise<void> {
    return this.#application.open();
  }

  get url(): string {
    return this.#application.url;
  }

  /** Who is online, or which channels are occupied, by what was told last. */
  present(kind: 'user' | 'channel'): string[] {
    const last = new Map<string, boolean>();
    for (const { type, [kind]: name } of this.events)
      if (name !== undefined && type !== 'published') last.set(name, type === 'online' || type === 'occupied');
    return [...last].filter(([, isHere]) => isHere).map(([name]) => name);
  }

  close(): void {
    this.#application.close();
  }

  #take({ missed = 0, events }: { missed?: number; events: readonly ToldEvent[] }): void {
    this.missed += missed;
    let before = 0;
    for (const event of events) {
      const { version } = event;
      if (version <= before) this.violations.push(`webhook: version ${version} comes after ${before} in one delivery`);
      before = version;
      const text = JSON.stringify(event);
      const known = this.#texts.get(version);
      if (known !== undefined) {
        this.repeated++;
        if (known !== text) this.violations.push(`webhook: version ${version} is ${text}, and was ${known}`);
        continue;
      }
      const newest = this.events.at(-1)?.version ?? 0;
      if (version < newest) this.violations.push(`webhook: ${text} came after version ${newest}`);
      this.#texts.set(version, text);
      this.events.push(event);
    }
  }
}
