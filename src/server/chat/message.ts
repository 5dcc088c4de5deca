/** What is published to a room of the chat. The page and the server share this file: it uses nothing of Node. */

/** In characters. Longer names are cut, since they would break the page's layout. */
export const NAME_LIMIT = 32;
/** In characters: about a page. Longer texts are documents, not messages. */
export const TEXT_LIMIT = 4000;

export interface ChatMessage {
  text: string;
  /** The sender's name, as shown to others. */
  name: string;
  /** An id that a page makes for itself. It tells apart people with the same name, and survives a page reload. */
  person?: string;
}

/** Passed on to those connected, and not stored. */
export interface Typing {
  typing: true;
  name: string;
  person: string;
}

/** How a member of the room is shown. */
export interface ChatMember {
  name: string;
  person: string;
}

/**
 * Reads what was published to a room; undefined when there is nothing to show. Also accepts a plain text, as a script
 * may publish it. Never throws.
 */
export function readChatData(data: unknown): ChatMessage | Typing | undefined {
  const { text, name, person, typing } = asObject(typeof data === 'string' ? { text: data } : data);
  const author = { name: tidyName(name), ...(typeof person === 'string' && { person }) };
  if (typing === true) return { typing, person: author.name, ...author };
  const tidied = typeof text === 'string' ? tidyText(text) : '';
  return tidied === '' ? undefined : { text: tidied, ...author };
}

/** Reads how a member is shown; `id` is the member's id. */
export function readChatMember(id: string, data: unknown): ChatMember {
  const { name, person } = asObject(data);
  return { name: tidyName(name), person: typeof person === 'string' ? person : id };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/**
 * Control characters, and those that change the direction of text: they would garble the lines around them, and a
 * terminal. Joiners are kept, since emoji and some scripts need them.
 */
const DISTURBING = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** On one line. */
export function tidyLine(text: string): string {
  return text.toWellFormed().replace(/\s+/gu, ' ').replace(DISTURBING, '').normalize('NFC').trim();
}

/** One line of at most `NAME_LIMIT` characters; `Guest` when nothing visible is left. */
export function tidyName(name: unknown): string {
  const short = typeof name === 'string' ? cut(tidyLine(name), NAME_LIMIT) : '';
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(short) ? short : 'Guest';
}

/** Keeps line feeds and tabs; removes other control characters, and blank lines at the start and end. */
export function tidyText(text: string): string {
  const lines = text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}/gu, '');
  return lines.replace(/^\s*\n/, '').trimEnd();
}

/** `name`, with a number if it looks like one that is taken. */
export function freeName(name: string, taken: Iterable<string>): string {
  const others = new Set([...taken].map(sameness));
  let free = name;
  for (let count = 2; others.has(sameness(free)); count++) {
    const suffix = ` ${count}`;
    free = cut(name, NAME_LIMIT - suffix.length) + suffix;
  }
  return free;
}

function cut(text: string, limit: number): string {
  return [...text].slice(0, limit).join('').trimEnd();
}

/** Equal for names that look alike to a reader. */
function sameness(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}
