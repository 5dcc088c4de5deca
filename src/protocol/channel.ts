import { CHANNEL_LENGTH } from './limits.ts';

/**
 * A name is 1 to 255 of the characters that RFC 3986 §3.3 allows in a URL's path, except `*`. It does not begin with
 * `$`, which is reserved for Zócalo's own channels. So a path can be used as a channel name, and no name needs escaping
 * in JSON, in a URL or in a log line. Names are compared byte by byte; there is no Unicode to normalize.
 */
const NAME = /^(?!\$)[\w\-.~!$&'()+,;=:@/%]+$/;

export function isChannel(name: unknown): name is string {
  return typeof name === 'string' && name.length <= CHANNEL_LENGTH && NAME.test(name);
}

/** Why a text is not a valid channel name, as a sentence that says what to write instead. */
export function channelFault(name: string): string {
  const shown = JSON.stringify(name.length > 24 ? `${name.slice(0, 24)}…` : name);
  if (name === '') return 'a channel name has at least one character';
  if (name.length > CHANNEL_LENGTH)
    return `${shown} has ${name.length} characters; a channel name has at most ${CHANNEL_LENGTH}`;
  if (name.startsWith('$')) return `${shown} begins with $, which is reserved`;
  if (isPattern(name)) return `${shown} is a pattern, but this needs one channel`;
  const wrong = [...name].find((character) => !NAME.test(`-${character}`))!;
  return `${shown} is not a channel name: A-Za-z0-9-._~!$&'()+,;=:@/% are allowed; ${JSON.stringify(wrong)} is written ${percentEncoded(wrong)}`;
}

function percentEncoded(character: string): string {
  return character === '*' ? '%2A' : encodeURIComponent(character.toWellFormed());
}

/** A pattern is a name with at least one `*`, never two in a row. Each stands for one character or more. */
export function isPattern(pattern: unknown): pattern is string {
  return (
    typeof pattern === 'string' &&
    pattern.length <= CHANNEL_LENGTH &&
    pattern.includes('*') &&
    !pattern.includes('**') &&
    !pattern.startsWith('$') &&
    (pattern === '*' || NAME.test(pattern.replaceAll('*', '-')))
  );
}

/**
 * Compiles a pattern, or a name, which matches only itself. A `*` also matches colons and slashes: `chat:*` matches
 * `chat:42` and `chat:42:typing`, but not `chat:`. Runs in time linear in the name, however many stars.
 */
export function compilePattern(pattern: string): (channel: string) => boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return (channel) => channel === pattern;
  const first = parts[0]!;
  const last = parts.at(-1)!;
  const middle = parts.slice(1, -1);
  const shortest = pattern.length;
  return (channel) => {
    if (channel.length < shortest || !channel.startsWith(first) || !channel.endsWith(last)) return false;
    // The leftmost match for each part leaves the most for the rest, so no backtracking is needed.
    let from = first.length;
    for (const part of middle) {
      const at = channel.indexOf(part, from + 1);
      if (at < 0) return false;
      from = at + part.length;
    }
    return channel.length - last.length > from;
  };
}

/** Negative when `a` is more specific than `b`. A total order: two different patterns never tie. */
function bySpecificity(a: string, b: string): number {
  const stars = (pattern: string) => pattern.split('*').length - 1;
  return (
    b.length - stars(b) - (a.length - stars(a)) ||
    stars(a) - stars(b) ||
    b.indexOf('*') - a.indexOf('*') ||
    (a < b ? -1 : 1)
  );
}

/**
 * Options by pattern. For a channel, an entry with its exact name wins; then, among the patterns that match it, the one
 * with the most characters besides `*`; then the one with fewer stars; then the one whose first star comes later; then
 * alphabetical order. The order of the entries does not matter, and entries are not merged: one wins as a whole.
 */
export class PatternTable<T> {
  #names = new Map<string, T>();
  #patterns: { pattern: string; matches: (channel: string) => boolean; value: T }[] = [];

  /** `entries` by name or pattern. Throws a RangeError that names an invalid entry. */
  constructor(entries: Iterable<readonly [string, T]> | Readonly<Record<string, T>>) {
    for (const [pattern, value] of Symbol.iterator in entries ? entries : Object.entries(entries)) {
      if (isChannel(pattern)) this.#names.set(pattern, value);
      else if (isPattern(pattern)) this.#patterns.push({ pattern, matches: compilePattern(pattern), value });
      else throw new RangeError(`"${pattern}" is neither a channel name nor a pattern`);
    }
    this.#patterns.sort((a, b) => bySpecificity(a.pattern, b.pattern));
  }

  /** The entry for a channel, and the name or pattern that won. */
  match(channel: string): { pattern: string; value: T } | undefined {
    if (this.#names.has(channel)) return { pattern: channel, value: this.#names.get(channel)! };
    return this.#patterns.find((entry) => entry.matches(channel));
  }
}
