import type { Entry } from '../broker/index.ts';
import { compilePattern, ProtocolError } from '../protocol/index.ts';
import type { Channel } from './channel.ts';
import type { House } from './house.ts';
import type { Rules } from './options.ts';

/**
 * Milliseconds without a publication after which a channel that is open only for patterns is let go of: long enough
 * for devices that report once a minute, short enough that names which nobody uses again go soon.
 */
const IDLE = 120_000;

/** Whoever subscribes to patterns. */
export interface PatternReader {
  /** From here on it hears this channel, unless it does already. */
  hear(channel: Channel): void;
  /** The channel is let go of. */
  unhear(channel: Channel): void;
  /** It has not got everything of this channel yet. */
  isBehind(channel: Channel): boolean;
}

/** One pattern that somebody on this node is subscribed to. */
export class Pattern {
  readonly text: string;
  /** Those of the entry that takes this pattern: it has the channels of this very entry, and no others. */
  readonly rules: Rules;
  /** Who is in, and the how manieth they were to join any pattern. */
  readonly readers = new Map<PatternReader, number>();
  /** The channels that are open for it. */
  readonly channels = new Set<Channel>();
  readonly #matches: (channel: string) => boolean;

  constructor(text: string, rules: Rules) {
    this.text = text;
    this.rules = rules;
    this.#matches = compilePattern(text);
  }

  covers(name: string, rules: Rules): boolean {
    return rules === this.rules && this.#matches(name);
  }
}

interface Open {
  readonly pattern: Pattern;
  /** Answers how to stop. */
  readonly watching: Promise<() => void>;
  /** Who is in, or on their way in. */
  count: number;
}

/** A channel that is open for these patterns. */
interface Held {
  readonly by: Set<Pattern>;
  /** When something was last published. */
  at: number;
}

/**
 * The patterns that somebody on this node is subscribed to. The broker is asked once for each. A channel of theirs is
 * opened by the first publication; from then on it is a channel like all others, which its readers hear by its topic.
 */
export class Patterns {
  readonly #house: House;
  readonly #open = new Map<string, Open>();
  /** The channel that was least recently published to comes first. */
  readonly #held = new Map<Channel, Held>();
  readonly #opening = new Map<string, Promise<void>>();
  /** How often somebody joined a pattern: what a channel has seen fewer of, it has somebody to be introduced to. */
  #joins = 0;
  #stopSweeping = (): void => {};

  constructor(house: House) {
    this.#house = house;
  }

  /** Watches the pattern for one more; to be followed by `leave`. Rejects with UNAVAILABLE, or as the broker does. */
  async enter(text: string, rules: Rules): Promise<Pattern> {
    let open = this.#open.get(text);
    if (!open) {
      const { broker, clock, limits } = this.#house;
      if (this.#open.size >= limits.patterns)
        throw new ProtocolError('UNAVAILABLE', 'as many different patterns are in use here as may be');
      if (this.#open.size === 0) this.#stopSweeping = clock.every(IDLE / 2, () => this.#sweep());
      const pattern = new Pattern(text, rules);
      const watching = broker.watch(text, (...news) => this.#hear(pattern, ...news));
      open = { pattern, watching, count: 0 };
      this.#open.set(text, open);
    }
    // Whoever is in hears the channels of an entry that is gone: nobody new is let in to wait for what never comes.
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

  /** The reader hears what comes next; of `known`, which it hears already, it misses nothing when another pattern goes. */
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
      () => {}, // whoever entered was told
    );
    for (const channel of pattern.channels) {
      const { by } = this.#held.get(channel)!;
      by.delete(pattern);
      if (by.size > 0) continue;
      this.#held.delete(channel);
      this.#house.channels.release(channel);
    }
    if (this.#open.size === 0) this.#stopSweeping();
  }

  /** Something is about to be passed on in this channel: whoever has joined a pattern of it since then hears it too. */
  introduce(channel: Channel): void {
    const held = this.#held.get(channel);
    if (held) this.#touch(channel, held);
    const since = channel.introduced;
    if (since === this.#joins) return;
    channel.introduced = this.#joins;
    for (const pattern of this.#covering(channel.name, channel.rules)) {
      this.#hold(channel, pattern);
      for (const [reader, join] of pattern.readers) if (join > since) reader.hear(channel);
    }
  }

  /** Opens the channel for what is not kept, of which no broker tells. Undefined when there is nothing to wait for. */
  open(name: string, rules: Rules): Promise<void> | undefined {
    if (this.#open.size === 0 || this.#house.channels.get(name)?.isOpen) return undefined;
    const { value } = this.#covering(name, rules).next();
    if (!value) return undefined;
    // One for all, so that what is published one after the other stays so.
    let opening = this.#opening.get(name);
    if (!opening) {
      opening = this.#openAtHead(name, rules).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return opening;
  }

  async #openAtHead(name: string, rules: Rules): Promise<void> {
    const { epoch, head } = await this.#house.broker.state(name);
    for (const pattern of this.#covering(name, rules)) {
      const channel = this.#house.channels.hold(name);
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
    const { channels, rules } = this.#house;
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
      held = { by: new Set(), at: this.#house.clock.now() };
      this.#held.set(channel, held);
      this.#house.channels.hold(channel.name);
    }
    held.by.add(pattern);
    pattern.channels.add(channel);
    if (this.#held.size <= this.#house.limits.patternChannels) return;
    const [oldest, its] = this.#held.entries().next().value!;
    if (oldest !== channel) this.#letGo(oldest, its);
  }

  #touch(channel: Channel, held: Held): void {
    held.at = this.#house.clock.now();
    this.#held.delete(channel);
    this.#held.set(channel, held);
  }

  /** Lets go of what is idle, but of nothing that somebody has still to read. */
  #sweep(): void {
    const limit = this.#house.clock.now() - IDLE;
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
    channel.introduced = 0;
    this.#house.channels.release(channel);
  }
}
