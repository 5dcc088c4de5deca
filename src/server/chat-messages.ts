/**
 * What the chat's page and its server say to each other: one JSON object in each text message, told apart by
 * `kind`. Types alone, so that both sides may import it.
 */

/** From the page. */
export type ChatRequest =
  | {
      kind: 'join';
      /** As the person typed it. The server mends it: an empty name, one that is taken, a long one. */
      name: string;
      /** A secret of this page, 16 to 64 characters: who comes back with it is the same person. */
      session: string;
      /** The last message that the page has; the server sends those after it, if it still knows them. */
      seen?: Position;
    }
  /** `key` (1 to 64 characters) is the page's own for this message: saying it again under the same key is harmless. */
  | { kind: 'say'; text: string; key: string }
  /** Are you there? Answered with `pong`. */
  | { kind: 'ping' };

/** From the server. */
export type ChatEvent =
  | {
      kind: 'welcome';
      you: Person;
      /** Everybody who is here, you among them. */
      people: Person[];
      /** Those after `seen`, or the most recent ones, oldest first. */
      messages: Said[];
      /** There were more after `seen` than the server remembers. */
      gap: boolean;
      /** Which run of the server this is: numbers begin again with each. */
      room: string;
    }
  | { kind: 'joined'; person: Person; at: number }
  | { kind: 'left'; person: Person; at: number }
  | ({ kind: 'said' } & Said)
  | { kind: 'error'; code: ChatErrorCode; message: string; key?: string }
  | { kind: 'pong' };

export interface Person {
  id: number;
  name: string;
}

export interface Said {
  /** Counts the room's messages from 1, without holes. */
  number: number;
  author: Person;
  text: string;
  /** Milliseconds since 1970, by the server's clock. */
  at: number;
  /** Only for the one who said it: the key of their request. */
  key?: string;
}

export interface Position {
  room: string;
  number: number;
}

export type ChatErrorCode = 'bad-message' | 'not-in-the-room' | 'empty-text' | 'text-too-long';
