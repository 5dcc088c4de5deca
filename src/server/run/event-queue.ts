import type { UpgradeRequest } from '../../websocket/index.ts';
import type { Client } from './clients.ts';

/** Something that the program has to handle. */
export type ProgramEvent = { readonly number: number; deaths: number } & (
  | { readonly verb: 'message' | 'binary'; readonly client: Client; readonly text: string }
  | { readonly verb: 'connect'; readonly client: Client }
  | { readonly verb: 'disconnect'; readonly client: Client; readonly code: number }
  | { readonly verb: 'upgrade'; readonly request: UpgradeRequest }
);

/** How many events may wait, and of how many bytes together. */
export interface WaitingLimits {
  readonly events: number;
  readonly bytes: number;
}

/** Of all that may wait, the part that one client may fill. */
const SHARE = 1 / 10;
/** A client may always fill this many. */
const LEAST = 100;
/** How many handled events are removed from the array at a time. */
const PORTION = 1_024;

/**
 * The events that were not handled yet, in order. The first `inFlight` of them were given to the process that runs;
 * when it dies they are given to the next one.
 */
export class EventQueue {
  readonly #limits: WaitingLimits;
  readonly #share: number;
  #events: ProgramEvent[] = [];
  #head = 0;
  #inFlight = 0;
  #bytes = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
    this.#share = Math.max(LEAST, Math.ceil(limits.events * SHARE));
  }

  get length(): number {
    return this.#events.length - this.#head;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get first(): ProgramEvent | undefined {
    return this.#events[this.#head];
  }

  /** Whether another message or client would be too many. */
  get isFull(): boolean {
    return this.length >= this.#limits.events || this.#bytes >= this.#limits.bytes;
  }

  /** Whether so much of this client waits that it has to. */
  isShareFull({ load }: Client): boolean {
    return load >= this.#share;
  }

  /** Whether a client that had to wait may go on. */
  hasRoomFor({ load }: Client): boolean {
    return load * 2 <= this.#share;
  }

  push(event: ProgramEvent): void {
    this.#events.push(event);
    this.#count(event, 1);
  }

  /** Removes an event that no process was given yet. False: there is none of this verb and number. */
  withdraw(verb: 'connect' | 'upgrade', number: number): boolean {
    for (let i = this.#events.length - 1; i >= this.#head + this.#inFlight; i--) {
      const event = this.#events[i]!;
      if (event.number !== number || event.verb !== verb) continue;
      if (event.deaths > 0) return false;
      this.#events.splice(i, 1);
      this.#count(event, -1);
      return true;
    }
    return false;
  }

  /** The next event to give to the program; from now on it is in flight. */
  next(): ProgramEvent | undefined {
    const event = this.#events[this.#head + this.#inFlight];
    if (event) this.#inFlight++;
    return event;
  }

  /** Removes the first event in flight: it was handled, or is dropped. */
  take(): ProgramEvent {
    const event = this.#events[this.#head++]!;
    this.#inFlight--;
    this.#count(event, -1);
    if (this.#head >= PORTION && this.#head * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }

  /** The program is gone: what it did not handle waits for the next one, and is returned. */
  takeBack(): ProgramEvent[] {
    const events = this.#events.slice(this.#head, this.#head + this.#inFlight);
    this.#inFlight = 0;
    return events;
  }

  #count(event: ProgramEvent, sign: 1 | -1): void {
    const bytes = 'text' in event ? event.text.length : 0;
    this.#bytes += sign * bytes;
    // A large message takes the place of many.
    const places = Math.max(1, Math.ceil((bytes * this.#limits.events) / this.#limits.bytes));
    if ('client' in event) event.client.load += sign * places;
  }
}
