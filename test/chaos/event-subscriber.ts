import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gap, Position } from '../../src/protocol/index.ts';
import type { Bell } from './bell.ts';
import type { Dice } from './dice.ts';
import { tokenOf } from './settings.ts';
import type { Subscriber } from './subscriber.ts';
import { Witness } from './witness.ts';

/** Milliseconds of silence after which a line is taken for dead: the server pings twice a second. */
const SILENCE = 2_000;

/** What the event `gap` says besides its channel; `join`, `leave`, `presence`. */
interface Said extends Gap {
  readonly channel: string;
  readonly data: unknown;
  readonly id: string;
  readonly members: readonly { id: string }[];
}

/** A reader of server-sent events, of several channels by one stream, written from the standard alone. */
export class EventSubscriber implements Subscriber {
  readonly name: string;
  readonly witnesses: readonly Witness[];
  readonly members = new Set<string>();
  readonly #url: string;
  readonly #dice: Dice;
  readonly #bell: Bell;
  /** Whether it sees who is in the room. */
  readonly looks: boolean;
  /** In the order of their names, as the ids have it. */
  readonly #channels: readonly string[];
  #id = '';
  #response: IncomingMessage | undefined;
  #isOver = false;
  isLive = false;

  constructor(name: string, url: string, dice: Dice, bell: Bell, channels: readonly string[]) {
    this.name = name;
    this.#url = url.replace('ws:', 'http:');
    this.#dice = dice;
    this.#bell = bell;
    this.#channels = channels.toSorted();
    this.looks = channels.length === 1; // a channel without presence would refuse the stream
    this.witnesses = this.#channels.map((channel) => new Witness(name, channel));
  }

  get state(): string {
    return this.isLive ? 'live' : 'away';
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#isOver = true;
    this.#response?.destroy();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#read();
      } catch {
        // the line was cut, or nobody listens
      }
      this.isLive = false;
      await pause(this.#dice.below(50));
    }
  }

  async #read(): Promise<void> {
    const query = this.#channels.map((channel) => `channel=${channel}`).join('&');
    const url = `${this.#url}/sse?${query}&meta=true&presence=${this.looks}&token=${tokenOf(this.name)}`;
    const headers = this.#id === '' ? {} : { 'Last-Event-ID': this.#id };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = get(url, { headers, agent: false, timeout: SILENCE }, resolve);
      request.on('error', reject).on('timeout', () => request.destroy(new Error('silence')));
    });
    this.#response = response;
    if (response.statusCode !== 200) this.witnesses[0]!.complain(`the stream was refused with ${response.statusCode}`);
    let text = '';
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop()!; // what is cut off in an event is thrown away
      for (const block of blocks) this.#dispatch(block);
      this.#bell.ring();
    }
  }

  #dispatch(block: string): void {
    let event = 'message';
    let data: string | undefined;
    for (const line of block.split('\n')) {
      const [field, value = ''] = line.split(/: (.*)/s);
      if (field === 'id') this.#id = value;
      else if (field === 'event') event = value;
      else if (field === 'data') data = value;
    }
    if (data !== undefined) this.#take(event, JSON.parse(data) as Said);
  }

  #take(event: string, said: Said): void {
    const places = this.#id.split(',').map((place): Position => {
      const [epoch, offset] = place.split(':');
      return [epoch!, Number(offset)];
    });
    const index = this.#channels.indexOf(said.channel);
    const witness = this.witnesses[index];
    switch (event) {
      case 'start':
        this.isLive = true;
        for (const [at, position] of places.entries()) {
          const { offset } = this.witnesses[at]!;
          if (offset >= 0 && offset !== position[1])
            this.witnesses[at]!.complain(`the stream begins at ${position[1]}, but we have ${offset}`);
          this.witnesses[at]!.begin(position);
        }
        break;
      case 'message':
        witness!.message(places[index]!, said.data);
        break;
      case 'gap':
        witness!.gap(said);
        break;
      case 'presence':
        this.members.clear();
        for (const { id } of said.members) this.members.add(id);
        break;
      case 'join':
        this.members.add(said.id);
        break;
      case 'leave':
        this.members.delete(said.id);
        break;
      case 'bye':
        break;
      default:
        this.witnesses[0]!.complain(`"${event}" came, which nobody asked for`);
    }
  }
}
