import { Client } from '../../src/client/index.ts';
import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import { fastClock, SPEED } from './fast-clock.ts';
import { tokenOf } from './settings.ts';
import { Witness } from './witness.ts';

/** Somebody who reads channels, whatever happens to the line. */
export interface Subscriber {
  readonly name: string;
  readonly witnesses: readonly Witness[];
  /** Who is in the room, as far as this one knows. */
  readonly members: ReadonlySet<string>;
  readonly isLive: boolean;
  /** For the report of who waits. */
  readonly state: string;
  start(): void;
  stop(): void;
}

const clock = fastClock(SPEED);

export function newClient(name: string, url: string, dice: Dice): Client {
  return new Client(url, { token: () => tokenOf(name), clock, random: dice.next });
}

/** The SDK, by its events; or, in a channel without gaps, by a loop that dawdles. */
export class SdkSubscriber implements Subscriber {
  readonly name: string;
  readonly witnesses: readonly Witness[];
  readonly #client: Client;
  readonly #bell: Bell;
  readonly #loops: boolean;
  readonly #states = new Map<string, string>();
  #members: ReadonlySet<string> = new Set();

  constructor(name: string, url: string, dice: Dice, bell: Bell, channels: readonly string[], loops = false) {
    this.name = name;
    this.#bell = bell;
    this.#loops = loops;
    this.#client = newClient(name, url, dice);
    this.witnesses = channels.map((channel) => new Witness(name, channel));
  }

  get members(): ReadonlySet<string> {
    return this.#members;
  }

  get state(): string {
    return [...new Set([this.#client.state, ...this.#states.values()])].join(' ');
  }

  get isLive(): boolean {
    return this.witnesses.every(({ channel }) => this.#states.get(channel) === 'live');
  }

  start(): void {
    this.#client.on('error', (error) => this.witnesses[0]!.complain(`the client reports ${error}`));
    for (const witness of this.witnesses) this.#listen(witness);
  }

  stop(): void {
    this.#client.close();
  }

  #listen(witness: Witness): void {
    const { channel } = witness;
    const subscription = this.#client.subscribe(channel, channel === 'room' ? { presence: true, member: {} } : {});
    const { ring } = this.#bell;
    subscription.on('presence', ({ members }) => {
      this.#members = new Set(members.keys());
      ring();
    });
    subscription.on('state', (state) => {
      this.#states.set(channel, state);
      if (state === 'live') witness.begin(subscription.position!);
      ring();
    });
    subscription.on('gap', (gap) => witness.gap(gap));
    subscription.on('skip', ({ from, to }) => witness.complain(`${from} to ${to} were left out`));
    subscription.on('error', (error) => witness.complain(`ended with ${error}`));
    if (this.#loops) void this.#loop(witness, subscription);
    else
      subscription.on('message', ({ position, data }) => {
        witness.message(position!, data);
        ring();
      });
  }

  async #loop(witness: Witness, subscription: ReturnType<Client['subscribe']>): Promise<void> {
    for await (const { position, data } of subscription) {
      witness.message(position!, data);
      this.#bell.ring();
      await new Promise(setImmediate);
    }
  }
}
