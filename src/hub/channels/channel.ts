import type { Broker, Entry, LogGap } from '../../broker/index.ts';
import { type Position, parseJson } from '../../protocol/index.ts';
import { Outgoing } from '../outgoing.ts';
import { isNotice, type Publication, plainText } from '../publication.ts';
import type { Report } from '../report.ts';
import type { Wire } from '../wire.ts';
import type { Excluded } from './excluded.ts';
import { Presence, type PresenceContext } from './presence.ts';
import type { Rules } from './rules.ts';

/** What every channel needs of its hub. */
export interface ChannelContext extends PresenceContext {
  readonly broker: Broker;
  readonly report: Report;
  /** Called before something is delivered to the subscribers. */
  readonly beforeNews: (channel: Channel) => void;
}

/** Milliseconds until a log that could not be read is tried again. */
const RETRY = 1_000;
/** Publications of a restarted log that live subscribers get after the gap. */
const FRESH = 256;

/**
 * A channel with subscribers on this node: delivers each publication of the log once to all live subscribers, in order
 * and without a gap. Missing publications are read from the log, once for all of them.
 */
export class Channel {
  readonly name: string;
  /** The node's number for it, never given to another channel. */
  readonly number: number;
  readonly rules: Rules;
  readonly presence: Presence | null;
  /** The topic of all live subscribers. */
  readonly topic: string;
  /** The same in plain text, for connections without the protocol. */
  readonly textTopic: string;
  texts = 0;
  epoch = '';
  /** The offset of the last publication delivered to all live subscribers, in `epoch`. */
  head = 0;
  readonly #context: ChannelContext;
  #early: [epoch: string, entries: readonly Entry[]][] | null = [];
  #unwatch = (): void => {};
  #catchingUp: Promise<void> | null = null;
  #again = false;
  #cancelRetry = (): void => {};
  #closed = false;

  constructor(context: ChannelContext, name: string, number: number, rules: Rules) {
    this.#context = context;
    this.name = name;
    this.number = number;
    this.topic = String(number);
    this.textTopic = `${number} as text`;
    this.rules = rules;
    this.presence = rules.presence === false ? null : new Presence(context, name, number, rules);
  }

  /** Starts listening to the broker. Rejects as the broker does. */
  async open(): Promise<void> {
    const { broker } = this.#context;
    const unwatch = await broker.watch(this.name, (_, epoch, entries) => this.hear(epoch, entries));
    try {
      const knowing = this.presence?.open();
      if (knowing) await knowing;
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

  /** Starts delivery after this position. Later calls do nothing. */
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

  /** Delivers a publication that is not in the log. */
  passOn(data: string, meta: string | null, except?: Wire): void {
    if (this.isOpen) this.#context.beforeNews(this);
    this.#deliver({ offset: 0, data, meta }, except);
  }

  /** Called with publications by any source; known ones are skipped. */
  hear(epoch: string, entries: readonly Entry[]): void {
    if (this.#early) this.#early.push([epoch, entries]);
    else if (!this.#closed && !this.#take(epoch, entries)) void this.catchUp();
  }

  /** Delivers the next publications; returns false when one is missing. */
  #take(epoch: string, entries: readonly Entry[]): boolean {
    for (const entry of entries) {
      if (epoch !== this.epoch || entry.offset > this.head + 1) return false;
      if (entry.offset === this.head + 1) this.#pass(entry);
    }
    return true;
  }

  #pass(entry: Entry): void {
    this.#context.beforeNews(this);
    this.head = entry.offset;
    const except = entry.origin as Excluded | undefined;
    this.#deliver(entry, except?.wire);
    except?.skip(this, entry.offset);
  }

  #deliver(publication: Publication, except?: Wire): void {
    const { fanOuts } = this.#context;
    fanOuts.publish(this.topic, new Outgoing([['m', this.number, publication]]), except);
    if (this.texts === 0 || isNotice(publication)) return;
    const text = this.#asText(publication);
    if (text !== undefined) fanOuts.publish(this.textTopic, Outgoing.plain(text), except);
  }

  /** A text is sent as it is and everything else as JSON, unless the channel's options say otherwise. */
  #asText({ data, meta }: Publication): string | undefined {
    const { out } = this.rules.text;
    if (!out) return plainText(data);
    try {
      return out(parseJson(data), meta === null ? undefined : JSON.parse(meta).user);
    } catch (cause) {
      this.#context.report(`${this.name} has data that its option text.out cannot show`, cause);
      return undefined;
    }
  }

  /**
   * Sends live subscribers what the log has and they lack: when a publication is missing, or when a reader has seen
   * more in the log than the broker has announced. Resolves when that is done, or has failed and will be tried again.
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
        const page = await this.#context.broker.read(this.name, this.position);
        if (this.#closed) return;
        // If publications arrived meanwhile, more may be missing after them.
        if (page.gap && this.head !== head) this.#again = true;
        else if (page.gap) this.#restart(page);
        else if (this.#take(page.epoch, page.entries) && this.head < page.head) this.#again = true;
      }
    } catch (cause) {
      this.#context.report(`the log of ${this.name} cannot be read, so its subscribers wait`, cause);
      this.#cancelRetry();
      this.#cancelRetry = this.#context.clock.after(RETRY, () => void this.catchUp());
    }
  }

  /**
   * The log was replaced, or has lost the next publication: all live subscribers are told, and continue from its head;
   * with a log that has only just started, from its start, so that they get its first publications; with one that goes
   * on under another epoch, from what they have of it.
   */
  #restart({ gap: reason, have, oldest, head, epoch, continues }: LogGap): void {
    const isFresh = reason === 'epoch' && oldest === 1 && head <= FRESH;
    const from = continues ?? (isFresh ? 0 : head);
    this.#context.fanOuts.publish(
      this.topic,
      new Outgoing([
        ['gap', this.number, { have, oldest, head: from, epoch }],
        ['live', this.number, from],
      ]),
    );
    this.epoch = epoch;
    this.head = from;
    if (from < head) this.#again = true;
  }
}
