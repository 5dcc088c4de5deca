import type { ChatErrorCode, Person, Position, Said } from './chat-messages.ts';

/** In characters. Longer names are cut: they would push the rest of the page aside. */
export const NAME_LIMIT = 32;
/** In characters. A page of writing; whoever needs more has a document to share, not a message. */
export const TEXT_LIMIT = 4000;
/** How many messages newcomers get: about two screens. */
export const REMEMBERED = 50;

interface Member extends Person {
  session: string;
}

interface Remembered extends Said {
  session: string;
  key: string;
}

/**
 * Who is in the room and what was said: the chat's rules, with no connection in sight. `Connection` is whatever
 * the caller tells connections apart by.
 */
export class Room<Connection> {
  readonly id: string;
  readonly #members = new Map<Connection, Member>();
  #recent: Remembered[] = [];
  #messages = 0;
  #people = 0;

  /** `id` is never used again for another room: a server's next run needs another. */
  constructor(id: string) {
    this.id = id;
  }

  /**
   * Lets somebody in. When `session` is here already, through a connection that nobody has missed yet, that
   * connection loses its place (`replaced`) and its person keeps theirs, so that nobody sees them leave or join.
   */
  join(connection: Connection, name: string, session: string): { person: Person; replaced: Connection | undefined } {
    for (const [other, member] of this.#members) {
      if (member.session !== session) continue;
      this.#members.delete(other);
      this.#members.set(connection, member);
      return { person: asPerson(member), replaced: other };
    }
    this.#people += 1;
    const member = { id: this.#people, name: this.#freeName(tidyName(name)), session };
    this.#members.set(connection, member);
    return { person: asPerson(member), replaced: undefined };
  }

  leave(connection: Connection): Person | undefined {
    const member = this.#members.get(connection);
    this.#members.delete(connection);
    return member && asPerson(member);
  }

  /** Answers the message as the others see it, `repeated` when it was said before: then nobody needs it again. */
  say(
    connection: Connection,
    text: string,
    key: string,
    at: number,
  ): { said: Said; repeated: boolean } | { refused: ChatErrorCode } {
    const member = this.#members.get(connection);
    if (!member) return { refused: 'not-in-the-room' };
    if (text.length > TEXT_LIMIT) return { refused: 'text-too-long' };
    const tidied = tidyText(text);
    if (tidied === '') return { refused: 'empty-text' };
    const earlier = this.#recent.find((message) => message.key === key && message.session === member.session);
    if (earlier) return { said: asSaid(earlier), repeated: true };
    this.#messages += 1;
    const message = {
      number: this.#messages,
      author: asPerson(member),
      text: tidied,
      at,
      key,
      session: member.session,
    };
    this.#recent.push(message);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
    return { said: asSaid(message), repeated: false };
  }

  /** In the order in which they came. */
  get people(): Person[] {
    return [...this.#members.values()].map(asPerson);
  }

  has(connection: Connection): boolean {
    return this.#members.has(connection);
  }

  /** What somebody missed since `seen`; their own messages carry their keys. */
  since(seen: Position | undefined, session: string): { messages: Said[]; gap: boolean } {
    const after = seen?.room === this.id ? seen.number : 0;
    const messages = this.#recent
      .filter((message) => message.number > after)
      .map((message) => (message.session === session ? { ...asSaid(message), key: message.key } : asSaid(message)));
    const oldest = this.#recent[0]?.number ?? 1;
    return { messages, gap: after > 0 && after < oldest - 1 };
  }

  #freeName(name: string): string {
    const taken = new Set([...this.#members.values()].map((member) => sameness(member.name)));
    let free = name;
    for (let count = 2; taken.has(sameness(free)); count++) {
      const suffix = ` ${count}`;
      free = cut(name, NAME_LIMIT - suffix.length) + suffix;
    }
    return free;
  }
}

/**
 * Controls, and the characters that turn the direction of what follows: in a name they would disturb the
 * lines around it. Joiners stay, since emoji and some scripts need them.
 */
const DISTURBING = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line of at most `NAME_LIMIT` characters; `Guest` when nothing visible is left. */
export function tidyName(name: string): string {
  const line = name.toWellFormed().replace(/\s+/gu, ' ').replace(DISTURBING, '').normalize('NFC');
  const short = cut(line.trim(), NAME_LIMIT);
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(short) ? short : 'Guest';
}

/** Line feeds stay; no blank lines around. */
function tidyText(text: string): string {
  const lines = text.toWellFormed().replace(/\r\n?/g, '\n');
  return lines.replace(/^\s*\n/, '').trimEnd();
}

function cut(text: string, limit: number): string {
  return [...text].slice(0, limit).join('').trimEnd();
}

/** Two names that a reader would take for the same are the same. */
function sameness(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

function asPerson({ id, name }: Member): Person {
  return { id, name };
}

function asSaid({ number, author, text, at }: Remembered): Said {
  return { number, author, text, at };
}
