import { compilePattern } from '../../protocol/index.ts';
import type { Channel } from './channel.ts';
import type { Rules } from './rules.ts';

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
