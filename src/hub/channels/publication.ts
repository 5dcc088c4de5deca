import type { Entry } from '../../broker/index.ts';
import { encodePublication } from '../../protocol/index.ts';

/** The meta of a publication, with its time. */
export function stamped(meta: string | null, time: number): string {
  return meta === null ? `{"time":${time}}` : `${meta.slice(0, -1)},"time":${time}}`;
}

/** An entry of a channel's log as a line of the protocol. */
export function lineOf(channel: number, { offset, data, meta, time }: Entry): string {
  return encodePublication(channel, offset, data, stamped(meta, time));
}

/**
 * JSON as plain text: a string as its characters, and everything else as JSON. A string with a lone surrogate stays
 * JSON too, since UTF-8 cannot encode it.
 */
export function plainText(json: string): string {
  if (!json.startsWith('"')) return json;
  const text: string = JSON.parse(json);
  return text.isWellFormed() ? text : json;
}
