import { DEFAULT_KEEP, type Keep } from '../../broker/index.ts';
import { ZocaloError } from '../../errors.ts';
import { checkNames, type OptionNames } from '../../option-names.ts';
import { PatternTable, ProtocolError } from '../../protocol/index.ts';
import type { ChannelOptions, TextForm } from '../channel-options.ts';
import { milliseconds } from '../duration.ts';
import { isOwn } from '../rights.ts';

/** A channel's options with all defaults filled in. */
export interface Rules extends Required<Omit<ChannelOptions, 'history' | 'rate' | 'latestBy' | 'text'>> {
  /** The name or pattern of the entry. */
  readonly entry: string;
  readonly keep: Keep;
  readonly rate: number | undefined;
  readonly latestBy: string | undefined;
  readonly text: TextForm;
}

/** The options of all channels. */
export class ChannelRules {
  #entries: ReadonlyMap<string, Rules> = new Map();
  #table = new PatternTable<Rules>([]);
  /** The entries for the daemon's own channels: no other entry applies to these, however specific. */
  #own = new PatternTable<Rules>([]);
  /** The entries that allow clients' patterns. */
  #open = new PatternTable<Rules>([]);

  /** @throws as `replace`. */
  constructor(channels: Readonly<Record<string, ChannelOptions>> = { '*': {} }) {
    this.replace(channels);
  }

  /**
   * Replaces the entries. An entry that existed before stays the same object with new contents, so that channels and
   * patterns that are open under it have them too; what is open under a removed entry keeps it until it is closed.
   *
   * @throws ZocaloError BAD_OPTION for an invalid name, pattern or duration: then nothing has changed.
   *   everything is as before.
   */
  replace(channels: Readonly<Record<string, ChannelOptions>>): void {
    this.prepare(channels)();
  }

  /** Like `replace`, in two steps: the returned function applies the entries and cannot fail. */
  prepare(channels: Readonly<Record<string, ChannelOptions>>): () => void {
    try {
      const fresh = Object.entries(channels).map(([pattern, options]) => [pattern, rules(pattern, options)] as const);
      new PatternTable(fresh); // throws for an invalid pattern
      return () => this.#use(fresh);
    } catch (cause) {
      if (cause instanceof ZocaloError) throw cause;
      throw new ZocaloError('BAD_OPTION', `channels: ${(cause as Error).message}`, { cause });
    }
  }

  #use(fresh: readonly (readonly [string, Rules])[]): void {
    const entries = fresh.map(([pattern, rules]) => {
      const known = this.#entries.get(pattern);
      return [pattern, known ? Object.assign(known, rules) : rules] as const;
    });
    this.#entries = new Map(entries);
    this.#table = new PatternTable(entries);
    this.#own = new PatternTable(entries.filter(([pattern]) => isOwn(pattern)));
    this.#open = new PatternTable(entries.filter(([, { patterns }]) => patterns));
  }

  /** For the server itself, which may use any channel. */
  of(channel: string): Rules {
    return this.#match(channel) ?? DEFAULTS;
  }

  /** The names and patterns of the entries. */
  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  has(channel: string): boolean {
    return this.#match(channel) !== undefined;
  }

  /** @throws ProtocolError FORBIDDEN for a channel that is not for clients. */
  forClients(channel: string): Rules {
    const rules = this.#match(channel);
    if (!rules) {
      const sentence = `${channel} is not offered: no entry of the option channels matches it`;
      throw new ProtocolError('FORBIDDEN', sentence, undefined, 'CHANNEL_OPTION');
    }
    return rules;
  }

  #match(channel: string): Rules | undefined {
    return (isOwn(channel) ? this.#own : this.#table).match(channel)?.value;
  }

  /**
   * The options of the most specific entry that allows this pattern of a client: its own stars match those of the
   * pattern, so it has all its channels. @throws ProtocolError NOT_OFFERED.
   */
  forPattern(pattern: string): Rules {
    const entry = this.#open.match(pattern);
    if (!entry) {
      const sentence = `no entry of the option channels that covers ${pattern} has patterns: true`;
      throw new ProtocolError('NOT_OFFERED', sentence, undefined, 'CHANNEL_OPTION');
    }
    return entry.value;
  }
}

const NAMES: OptionNames<ChannelOptions> = {
  history: true,
  presence: true,
  subscribe: true,
  publish: true,
  patterns: true,
  rate: true,
  maxData: true,
  maxMember: true,
  maxMembers: true,
  slow: true,
  latestBy: true,
  text: true,
};
const TEXT_NAMES: OptionNames<TextForm> = { in: true, out: true };

function rules(entry: string, { history = {}, ...options }: ChannelOptions): Rules {
  const where = `of channels["${entry}"]`;
  checkNames(options, NAMES, where);
  checkNames(history || {}, DEFAULT_KEEP, `in the history ${where}`);
  checkNames(options.text ?? {}, TEXT_NAMES, `in the text ${where}`);
  const { size = DEFAULT_KEEP.size, ttl = DEFAULT_KEEP.ttl } = history || { size: 0 };
  return {
    entry,
    keep: { size, ttl: milliseconds(ttl) },
    presence: options.presence ?? false,
    subscribe: options.subscribe ?? true,
    publish: options.publish ?? true,
    patterns: options.patterns ?? false,
    rate: options.rate,
    maxData: options.maxData ?? 65_536,
    maxMember: options.maxMember ?? 2_048,
    maxMembers: options.maxMembers ?? 262_144,
    slow: options.slow ?? 'resume',
    latestBy: options.latestBy,
    text: options.text ?? {},
  };
}

const DEFAULTS = rules('', {});
