import { isChannel } from '../src/protocol/index.ts';
import { tidyLine } from '../src/server/chat/message.ts';

/** The room of the page at `/`. */
const SQUARE = 'chat:square';

/** The channel that a page's path names. */
export function roomOf(path: string): string {
  return path === '/' ? SQUARE : path.slice(1);
}

export function isSquare(room: string): boolean {
  return room === SQUARE;
}

/** For display: `chat:caf%C3%A9` is café. */
export function titleOf(room: string): string {
  const name = room.slice(room.indexOf(':') + 1);
  try {
    return tidyLine(decodeURIComponent(name)) || name;
  } catch {
    return name;
  }
}

/** The path of a room given by name or by its copied address; undefined if it is invalid. */
export function pathTo(typed: string): string | undefined {
  const [, path] = /^https?:\/\/[^/]+(\/[^?#]*)/.exec(typed.trim()) ?? [];
  const room = path ? roomOf(path) : `chat:${encoded(tidyLine(typed).replace(/^\/?chat:/, ''))}`;
  return /^chat:./.test(room) && isChannel(room) ? `/${room}` : undefined;
}

/** Encoded as in the address bar, and also what would end a path or is not allowed in a channel name. */
function encoded(name: string): string {
  return encodeURI(name).replace(/[/?#*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
