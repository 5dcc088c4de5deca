import { JsonText } from './json-text.ts';
import type { ClientMessage, Position, ServerMessage } from './messages.ts';

/** One message as a line. Throws what `JSON.stringify` throws: a TypeError for a circular structure or a bigint. */
export function encode(message: ClientMessage | ServerMessage): string {
  return JSON.stringify(message);
}

/**
 * A publication as a line that is the same for all its subscribers. `data`, and `meta` if present, are JSON text
 * already, as stored in the log: nothing is parsed or serialized again.
 */
export function encodePublication(ch: number, offset: number, data: string, meta: string | null = null): string {
  return meta === null ? `["m",${ch},${offset},${data}]` : `["m",${ch},${offset},${data},${meta}]`;
}

/** An answer whose result is JSON text already. */
export function encodeAnswer(id: number, result: string): string {
  return `["ok",${id},${result}]`;
}

/** A `Published`. */
export function publishedText(at: Position | undefined): JsonText {
  return JsonText.written(at ? `{"at":[${JSON.stringify(at[0])},${at[1]}]}` : '{}');
}

/** What is sent to one connection outside of any channel. */
export function encodeDirect(data: string): string {
  return `["to",${data}]`;
}

/** What the server asks a client. */
export function encodeAsk(ask: number, method: string, data: string): string {
  return `["ask",${ask},${JSON.stringify(method)},${data}]`;
}

/** A member in the presence list, as JSON text. */
export function encodeMember(id: string, data: string | undefined): string {
  return data === undefined ? `{"id":${JSON.stringify(id)}}` : `{"id":${JSON.stringify(id)},"data":${data}}`;
}

/** A member who joined, or has new data. `member`: the result of `encodeMember`. */
export function encodeJoin(ch: number, member: string): string {
  return `["+",${ch},${member}]`;
}
