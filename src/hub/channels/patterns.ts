import type { Broker, Entry } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import { ProtocolError } from '../../protocol/index.ts';
import type { HubLimits } from '../limits.ts';
import type { Channel } from './channel.ts';
import type { Channels } from './channels.ts';
import { Pattern, type PatternReader } from './pattern.ts';
import type { ChannelRules, Rules } from './rules.ts';

/**
 * Milliseconds without a publication after which a channel that is only open for patterns is closed: long enough for
 * devices that report once a minute, short enough for names that are not used again.
 */
const IDLE = 120_000;

/** What the patterns of a hub need. */
export interface PatternsContext {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly limits: Required<Pick<HubLimits, 'patterns' | 'patternChannels'>>;
  readonly rules: ChannelRules;
  readonly channels: Channels;
}

interface Open {
  readonly pattern: Pattern;
  /** Resolves with a function that stops it. */
  readonly watching: Promise<() => void>;
  /** Subscribers, including those being added. */
  count: number;
}

/** A channel that is kept open for these patterns. */
interface Held {
  readonly by: Set<Pattern>;
  /** When something was last published. */
  at: number;
}

/**
 * The patterns with subscribers on this node. Each watches the broker once. A channel of theirs is opened by its first
 * publication; from then on it is a channel like all others, whose topic its readers subscribe to.
 */
export class Patterns {
  readonly #context: PatternsContext;
  readonly #open = new Map<string, Open>();
  /** The least recently published channel first. */
  readonly #held = new Map<Channel, Held>();
  readonly #opening = new Map<string, Promise<void>>();
  /** Counts joins of patterns: a channel introduced at a lower count has new readers. */
  #joins = 0;
  /** The count at which a channel was last introduced. */
  readonly #introduced = new WeakMap<Channel, number>();
  #stopSweeping = (): void => {};

  constructor(context: PatternsContext) {
    this.#context = context;
  }

  /**
   * Watches the pattern for one more subscriber; call `leave` later. Rejects with UNAVAILABLE, or as the broker does.
   */
  async enter(text: string, rules: Rules): Promise<Pattern> {
    let open = this.#open.get(text);
    if (!open) {
      const { broker, clock, limits } = this.#context;
      if (this.#open.size >= limits.patterns)
        throw new ProtocolError('UNAVAILABLE', 'the limit of different patterns is reached');
      if (this.#open.size === 0) this.#stopSweeping = clock.every(IDLE / 2, () => this.#sweep());
      const pattern = new Pattern(text, rules);
      const watching = broker.watch(text, (...news) => this.#hear(pattern, ...news));
      open = { pattern, watching, count: 0 };
      this.#open.set(text, open);
    }
    // Its subscribers still receive the channels of an entry that is gone; a new one would wait for publications that
    // never come.
    if (open.pattern.rules !== rules)
      throw new ProtocolError('UNAVAILABLE', `${text} is still in use under options that have been replaced`);
    open.count++;
    try {
      await open.watching;
    } catch (error) {
      this.leave(open.pattern);
      throw error;
    }
    return open.pattern;
  }

  /**
   * The reader receives what comes next. It receives the channels in `known` already, and misses nothing of them when
   * another pattern ends.
   */
  join(pattern: Pattern, reader: PatternReader, known: Iterable<Channel> = []): void {
    pattern.readers.set(reader, ++this.#joins);
    for (const channel of known) if (pattern.covers(channel.name, channel.rules)) this.#hold(channel, pattern);
  }

  leave(pattern: Pattern, reader?: PatternReader): void {
    if (reader) pattern.readers.delete(reader);
    const open = this.#open.get(pattern.text);
    if (open?.pattern !== pattern || --open.count > 0) return;
    this.#open.delete(pattern.text);
    open.watching.then(
      (stop) => stop(),
      () => {}, // the caller of `enter` was told
    );
    for (const channel of pattern.channels) {
      const { by } = this.#held.get(channel)!;
      by.delete(pattern);
      if (by.size > 0) continue;
      this.#held.delete(channel);
      this.#context.channels.release(channel);
    }
    if (this.#open.size === 0) this.#stopSweeping();
  }

  /**
   * Called before something is delivered in this channel: readers that have joined a pattern since then receive it too.
   */
  introduce(channel: Channel): void {
    if (this.#open.size === 0) return;
    const held = this.#held.get(channel);
    if (held) this.#touch(channel, held);
    const since = this.#introduced.get(channel) ?? 0;
    if (since === this.#joins) return;
    this.#introduced.set(channel, this.#joins);
    for (const pattern of this.#covering(channel.name, channel.rules)) {
      this.#hold(channel, pattern);
      for (const [reader, join] of pattern.readers) if (join > since) reader.hear(channel);
    }
  }

  /**
   * Opens the channel for a publication that is not kept, of which no broker tells. Undefined if there is nothing to
   * wait for.
   */
  open(name: string, rules: Rules): Promise<void> | undefined {
    if (this.#open.size === 0 || this.#context.channels.get(name)?.isOpen) return undefined;
    const { value } = this.#covering(name, rules).next();
    if (!value) return undefined;
    // One opening for all, so that publications stay in order.
    let opening = this.#opening.get(name);
    if (!opening) {
      opening = this.#openAtHead(name, rules).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return opening;
  }

  async #openAtHead(name: string, rules: Rules): Promise<void> {
    const { epoch, head } = await this.#context.broker.state(name);
    for (const pattern of this.#covering(name, rules)) {
      const channel = this.#context.channels.hold(name);
      channel.begin(epoch, head);
      this.#hold(channel, pattern);
    }
  }

  close(): void {
    this.#stopSweeping();
    for (const { watching } of this.#open.values())
      watching.then(
        (stop) => stop(),
        () => {},
      );
    this.#open.clear();
    this.#held.clear();
  }

  *#covering(name: string, rules: Rules): Generator<Pattern, undefined> {
    for (const { pattern } of this.#open.values())
      if (pattern.readers.size > 0 && pattern.covers(name, rules)) yield pattern;
  }

  #hear(pattern: Pattern, name: string, epoch: string, entries: readonly Entry[]): void {
    const { channels, rules } = this.#context;
    if (pattern.readers.size === 0) return;
    if ((channels.get(name)?.rules ?? rules.of(name)) !== pattern.rules) return;
    const channel = channels.hold(name);
    channel.begin(epoch, entries[0]!.offset - 1);
    this.#hold(channel, pattern);
    channel.hear(epoch, entries);
  }

  #hold(channel: Channel, pattern: Pattern): void {
    let held = this.#held.get(channel);
    if (!held) {
      held = { by: new Set(), at: this.#context.clock.now() };
      this.#held.set(channel, held);
      this.#context.channels.hold(channel.name);
    }
    held.by.add(pattern);
    pattern.channels.add(channel);
    if (this.#held.size <= this.#context.limits.patternChannels) return;
    const [oldest, its] = this.#held.entries().next().value!;
    if (oldest !== channel) this.#letGo(oldest, its);
  }

  #touch(channel: Channel, held: Held): void {
    held.at = this.#context.clock.now();
    this.#held.delete(channel);
    this.#held.set(channel, held);
  }

  /** Closes what is idle, except channels that somebody still has to read. */
  #sweep(): void {
    const limit = this.#context.clock.now() - IDLE;
    for (const [channel, held] of this.#held) {
      if (held.at > limit) return;
      const isRead = ({ readers }: Pattern) => readers.keys().every((reader) => !reader.isBehind(channel));
      if (held.by.values().every(isRead)) this.#letGo(channel, held);
    }
  }

  #letGo(channel: Channel, { by }: Held): void {
    this.#held.delete(channel);
    for (const pattern of by) pattern.channels.delete(channel);
    for (const { readers } of by) for (const reader of [...readers.keys()]) reader.unhear(channel);
    // It may stay open for its own subscribers, and is introduced again with the next publication.
    this.#introduced.delete(channel);
    this.#context.channels.release(channel);
  }
}
