import type { Entry, LogGap, Page } from '../broker/index.ts';
import { encode, encodePublication, type Position } from '../protocol/index.ts';
import type { House } from './house.ts';
import type { Rules } from './options.ts';
import { plainText } from './plain-text.ts';
import { Presence } from './presence.ts';
import type { Wire } from './wire.ts';

/** Somebody who shall not get what they have published themselves. */
export interface LeftOut {
  readonly wire: Wire;
  /** Is called behind the publication that they did not get. */
  skip(channel: Channel, offset: number): void;
}

/** Milliseconds until a log that could not be read is tried again. */
const RETRY = 1_000;
/** Publications of a log that has begun anew which those who are live get behind the gap. */
const FRESH = 256;

/**
 * A channel that somebody on this node is subscribed to: what the log takes goes out once to all who are live, in
 * order and without a hole. A hole in what the broker tells is filled from the log, once for all of them.
 */
export class Channel {
  readonly name: string;
  /** The node's number for it, never given to another channel. */
  readonly number: number;
  readonly rules: Rules;
  readonly presence: Presence | null;
  /** All who are live hear this topic. */
  readonly topic: string;
  /** The same in plain text, for connections without the protocol. */
  readonly textTopic: string;
  texts = 0;
  epoch = '';
  /** What has gone out to all who are live; under `epoch`. */
  head = 0;
  /** How many had joined patterns when it was last introduced to them. */
  introduced = 0;
  readonly #house: House;
  #early: [epoch: string, entries: readonly Entry[]][] | null = [];
  #unwatch = (): void => {};
  #catchingUp: Promise<void> | null = null;
  #again = false;
  #cancelRetry = (): void => {};
  #closed = false;

  constructor(house: House, name: string, number: number) {
    this.#house = house;
    this.name = name;
    this.number = number;
    this.topic = String(number);
    this.textTopic = `${number} as text`;
    this.rules = house.rules.of(name);
    this.presence = this.rules.presence === false ? null : new Presence(house, number, this.rules);
  }

  /** From here on it hears the broker by itself. Rejects as the broker does. */
  async open(): Promise<void> {
    const { broker } = this.#house;
    const unwatch = await broker.watch(this.name, (_, epoch, entries) => this.hear(epoch, entries));
    try {
      const { epoch, head } = await broker.state(this.name);
      const isBehind = this.isOpen && (epoch !== this.epoch || head > this.head);
      this.begin(epoch, head);
      if (isBehind) await this.catchUp();
    } catch (error) {
      unwatch();
      throw error;
    }
    if (this.#closed) unwatch();
    else this.#unwatch = unwatch;
  }

  /** What comes after this position is to be passed on. Only the first call counts. */
  begin(epoch: string, head: number): void {
    const early = this.#early;
    if (!early) return;
    this.epoch = epoch;
    this.head = head;
    this.#early = null;
    for (const [epoch, entries] of early) this.hear(epoch, entries);
  }

  /** Whether it knows its position. */
  get isOpen(): boolean {
    return this.#early === null;
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#cancelRetry();
    this.presence?.close();
  }

  get position(): Position {
    return [this.epoch, this.head];
  }

  /** Passes on what stands in no log. */
  passOn(data: string, meta: string | null, except?: Wire): void {
    if (this.isOpen) this.#house.patterns.introduce(this);
    this.#house.fanOuts.publish(this.topic, encodePublication(this.number, 0, data, meta), except);
    this.#passText(data, meta, except);
  }

  /** The broker tells of these, by whichever way; what is known already is passed over. */
  hear(epoch: string, entries: readonly Entry[]): void {
    if (this.#early) this.#early.push([epoch, entries]);
    else if (!this.#closed && !this.#take(epoch, entries)) void this.catchUp();
  }

  /** Passes on what comes next; answers false at a hole. */
  #take(epoch: string, entries: readonly Entry[]): boolean {
    for (const entry of entries) {
      if (epoch !== this.epoch || entry.offset > this.head + 1) return false;
      if (entry.offset === this.head + 1) this.#pass(entry);
    }
    return true;
  }

  #pass(entry: Entry): void {
    const { offset, data, meta } = entry;
    this.#house.patterns.introduce(this);
    this.head = offset;
    const line = this.line(entry);
    const except = entry.origin as LeftOut | undefined;
    this.#house.fanOuts.publish(this.topic, line, except?.wire);
    except?.skip(this, offset);
    this.#passText(data, meta, except?.wire);
  }

  #passText(data: string, meta: string | null, except?: Wire): void {
    if (this.texts === 0) return;
    const text = this.#asText(data, meta);
    if (text !== undefined) this.#house.fanOuts.publish(this.textTopic, text, except);
  }

  /** A text is sent as itself and everything else as JSON, unless the channel's options say otherwise. */
  #asText(data: string, meta: string | null): string | undefined {
    const { out } = this.rules.text;
    if (!out) return plainText(data);
    try {
      return out(JSON.parse(data), meta === null ? undefined : JSON.parse(meta).user);
    } catch (cause) {
      this.#house.report(`${this.name} has data that its option text.out cannot show`, cause);
      return undefined;
    }
  }

  /**
   * Goes out to all who are live with what the log has and they have not: after a hole, or when a reader has seen
   * more in the log than the broker has told yet. Resolves when that is done, or has failed and is tried again later.
   */
  catchUp(): Promise<void> {
    this.#again = true;
    this.#catchingUp ??= this.#repair().finally(() => {
      this.#catchingUp = null;
    });
    return this.#catchingUp;
  }

  async #repair(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        const { head } = this;
        const page = await this.#house.broker.read(this.name, this.position);
        if (this.#closed) return;
        // Where news came meanwhile, it is from there on that something may be missing.
        if (page.gap && this.head !== head) this.#again = true;
        else if (page.gap) this.#restart(page);
        else if (this.#take(page.epoch, page.entries) && this.head < page.head) this.#again = true;
      }
    } catch (cause) {
      this.#house.report(`the log of ${this.name} cannot be read, so its subscribers wait`, cause);
      this.#cancelRetry();
      this.#cancelRetry = this.#house.clock.after(RETRY, () => void this.catchUp());
    }
  }

  /**
   * The log is another, or has lost what was next: all who are live are told, and are live from its head on; from the
   * beginning of one that has only just begun, so that what began it reaches them.
   */
  #restart({ gap: reason, have, oldest, head, epoch }: LogGap): void {
    const from = reason === 'epoch' && oldest === 1 && head <= FRESH ? 0 : head;
    const gap = encode(['gap', this.number, { have, oldest, head: from, epoch }]);
    this.#house.fanOuts.publish(this.topic, `${gap}\n${encode(['live', this.number, from])}`);
    this.epoch = epoch;
    this.head = from;
    if (from < head) this.#again = true;
  }

  /** A page as lines, each as all who were live got it. */
  lines(page: Page): string {
    return page.entries.map((entry) => this.line(entry)).join('\n');
  }

  line({ offset, data, meta, time }: Entry): string {
    return encodePublication(this.number, offset, data, stamped(meta, time));
  }
}

/** The meta of a publication with its time. */
export function stamped(meta: string | null, time: number): string {
  return meta === null ? `{"time":${time}}` : `${meta.slice(0, -1)},"time":${time}}`;
}
