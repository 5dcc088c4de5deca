import { compilePattern } from '../../protocol/index.ts';
import type { Channel } from './channel.ts';
import type { Rules } from './rules.ts';

/** A connection that subscribes to patterns. */
export interface PatternReader {
  /** From here on it receives this channel, unless it does already. */
  hear(channel: Channel): void;
  /** The channel is closed for patterns. */
  unhear(channel: Channel): void;
  /** Whether it has not received everything of this channel yet. */
  isBehind(channel: Channel): boolean;
}

/** A pattern with subscribers on this node. */
export class Pattern {
  readonly text: string;
  /** The options of the entry that allows this pattern: it covers the channels of this entry, and no others. */
  readonly rules: Rules;
  /** The subscribers, each with its ordinal among all joins of patterns. */
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
