import { setTimeout as pause } from 'node:timers/promises';
import type { Gap, Member, Position, ServerMessage, Subscribed } from '../../src/protocol/index.ts';
import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import { type Patience, RawPeer } from './raw-peer.ts';
import type { Subscriber } from './subscriber.ts';
import { Witness } from './witness.ts';

/** Few, so that catching up has to be paced. */
const CREDIT = 32;

/** Where the server is; and how long it is waited for, where it is busy. */
export interface Way {
  /** Asked for each connection. */
  readonly url: () => string | Promise<string>;
  readonly patience?: Patience;
}

/** What this connection knows of one channel. */
interface Part {
  readonly witness: Witness;
  isLive: boolean;
  credit: number;
  /** The answer said that what we have is not in the log, so that the next line must say so too. */
  awaitsGap: Position | undefined;
}

/** A client written from docs/protocol.md alone, that believes nothing. */
export class RawSubscriber implements Subscriber {
  readonly name: string;
  readonly witnesses: readonly Witness[];
  readonly members = new Set<string>();
  readonly #way: Way;
  readonly #dice: Dice;
  readonly #bell: Bell;
  readonly #parts = new Map<number, Part>();
  #peer: RawPeer | undefined;
  #isOver = false;

  constructor(name: string, way: Way, dice: Dice, bell: Bell, channels: readonly string[]) {
    this.name = name;
    this.#way = way;
    this.#dice = dice;
    this.#bell = bell;
    this.witnesses = channels.map((channel) => new Witness(name, channel));
  }

  get state(): string {
    return this.isLive ? 'live' : `${this.#parts.size} subscriptions`;
  }

  get isLive(): boolean {
    return this.#parts.size === this.witnesses.length && [...this.#parts.values()].every(({ isLive }) => isLive);
  }

  start(): void {
    void this.#run();
  }

  /** It comes back. */
  leave(): void {
    this.#peer?.terminate();
  }

  stop(): void {
    this.#isOver = true;
    this.leave();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        this.#parts.clear();
        const url = await this.#way.url();
        const peer = await RawPeer.join(url, this.name, (line) => this.#receive(line), this.#way.patience);
        this.#peer = peer;
        for (const witness of this.witnesses) this.#subscribe(peer, witness);
        if (this.#isOver) peer.terminate();
        await peer.over;
      } catch {
        // lost before the welcome
      }
      await pause(this.#dice.below(50));
    }
  }

  #subscribe(peer: RawPeer, witness: Witness): void {
    const at = witness.position;
    const presence = witness.channel === 'room' && { presence: true, member: {} };
    const answer = {
      ok: (result: unknown) => this.#subscribed(witness, at, result as Subscribed),
      err: (code: string) => {
        if (code === 'LOST') return;
        witness.complain(`sub was refused with ${code}`);
        peer.terminate();
      },
    };
    peer.ask(answer, 'sub', witness.channel, { ...(at && { at }), ...presence, credit: CREDIT });
  }

  #subscribed(witness: Witness, at: Position | undefined, { ch, epoch, offset, members }: Subscribed): void {
    const awaitsGap = at && (at[0] !== epoch || at[1] !== offset) ? at : undefined;
    this.#parts.set(ch!, { witness, isLive: false, credit: CREDIT, awaitsGap });
    witness.begin([epoch!, offset!]);
    if (!members) return;
    this.members.clear();
    for (const { id } of members) this.members.add(id);
    this.#bell.ring();
  }

  #receive(line: ServerMessage): void {
    const [verb, ch, rest] = line as readonly [string, number, unknown];
    if (verb === 'bye') return;
    const part = this.#parts.get(ch);
    if (!part) {
      this.witnesses[0]!.complain(`"${verb}" speaks of ${ch}, which is not ours`);
      return;
    }
    const { witness, awaitsGap } = part;
    if (awaitsGap && verb !== 'gap' && verb !== '+' && verb !== '-')
      witness.complain(`"${verb}" came where a gap after ${awaitsGap[1]} had to be announced`);
    switch (verb) {
      case 'm':
        if (!part.isLive && part.credit-- <= 0) witness.complain('more came than we had credit for');
        witness.message([witness.position![0], line[2] as number], line[3]);
        if (!part.isLive && part.credit === 0) setImmediate(() => this.#giveCredit(ch, part));
        break;
      case 'gap':
        part.awaitsGap = undefined;
        witness.gap(rest as Gap);
        break;
      case 'live':
        if (rest !== witness.offset) witness.complain(`live at ${rest}, but we have ${witness.offset}`);
        part.isLive = true;
        break;
      case '+':
        this.members.add((rest as Member).id);
        break;
      case '-':
        this.members.delete(rest as string);
        break;
      default:
        witness.complain(`"${verb}" came, which nobody asked for`);
    }
    this.#bell.ring();
  }

  /** Only once all is used up, and not in the same turn: so what comes without credit is seen. */
  #giveCredit(ch: number, part: Part): void {
    if (this.#parts.get(ch) !== part || part.isLive) return;
    part.credit += CREDIT;
    this.#peer?.say('more', ch, CREDIT);
  }
}
