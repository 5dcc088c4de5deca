/**
 * What is published to a room of the chat, for its page and its server alike. Runs in browsers too: nothing of Node.
 */

/** In characters. Longer names are cut: they would push the rest of the page aside. */
export const NAME_LIMIT = 32;
/** In characters: about a page. Longer texts are documents, not messages. */
export const TEXT_LIMIT = 4000;

export interface ChatMessage {
  text: string;
  /** The sender's name, as shown to others. */
  name: string;
  /** Tells namesakes apart, and keeps somebody the same over a reload: an id that a page makes for itself. */
  person?: string;
}

/** Passed on to who is there, and not kept. */
export interface Typing {
  typing: true;
  name: string;
  person: string;
}

/** What a member of the room is shown with. */
export interface ChatMember {
  name: string;
  person: string;
}

/**
 * Reads what was published to a room; undefined for what is nothing to be shown. Takes a text alone too, as a script
 * may publish it. Never throws.
 */
export function readChatData(data: unknown): ChatMessage | Typing | undefined {
  const { text, name, person, typing } = asObject(typeof data === 'string' ? { text: data } : data);
  const author = { name: tidyName(name), ...(typeof person === 'string' && { person }) };
  if (typing === true) return { typing, person: author.name, ...author };
  const tidied = typeof text === 'string' ? tidyText(text) : '';
  return tidied === '' ? undefined : { text: tidied, ...author };
}

/** Reads what a member was shown with; `id` is the member's. */
export function readChatMember(id: string, data: unknown): ChatMember {
  const { name, person } = asObject(data);
  return { name: tidyName(name), person: typeof person === 'string' ? person : id };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/**
 * Controls, and the characters that turn the direction of what follows: they would disturb the lines around, and a
 * terminal. Joiners stay, since emoji and some scripts need them.
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

/** Line feeds and tabs stay; no other controls, and no blank lines around. */
export function tidyText(text: string): string {
  const lines = text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}/gu, '');
  return lines.replace(/^\s*\n/, '').trimEnd();
}

/** `name`, with a number if readers would take it for one that is taken. */
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

/** Two names that a reader would take for the same are the same. */
function sameness(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}
