import type { Position } from '../../src/protocol/index.ts';
import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import { UnreliableApplication } from './unreliable-application.ts';
import { nameOf, wordOf } from './witness.ts';

const FAILURES = { refused: 0.05, cut: 0.05, unanswered: 0.05 };

interface Delivery {
  readonly missed?: number;
  readonly events: readonly { version: number; channel: string; position: Position; data: unknown }[];
}

/** An application that is told of what is published, and does not always answer. */
export class WebhookReceiver {
  readonly name = 'webhook';
  readonly channel: string;
  /** What it was told of, by offset. */
  readonly seen = new Map<number, string>();
  readonly complaints: string[] = [];
  /** The offset that it was told of last. */
  last = 0;
  #version = 0;
  readonly #application: UnreliableApplication;
  readonly #bell: Bell;

  constructor(channel: string, dice: Dice, bell: Bell) {
    this.channel = channel;
    this.#bell = bell;
    this.#application = new UnreliableApplication(dice, FAILURES, (body) => this.#take(JSON.parse(body)));
  }

  open(): Promise<void> {
    return this.#application.open();
  }

  get url(): string {
    return this.#application.url;
  }

  close(): void {
    this.#application.close();
  }

  #take({ missed, events }: Delivery): void {
    if (missed !== undefined) this.complaints.push(`webhook: ${missed} events were let go`);
    for (const { version, channel, position, data } of events) {
      if (version <= this.#version) continue; // it came before, and the answer was lost
      this.#version = version;
      if (channel !== this.channel) continue;
      const offset = position[1];
      if (offset <= this.last) this.complaints.push(`webhook: ${offset} came after ${this.last}, as a later version`);
      this.last = offset;
      this.seen.set(offset, nameOf(wordOf(data), offset));
    }
    this.#bell.ring();
  }
}
