import type { Entry } from '../broker/index.ts';
import { encodePublication } from '../protocol/index.ts';

/** An entry of a channel's log, or what is delivered without being stored: that has the offset 0 and no time. */
export type Publication = Pick<Entry, 'offset' | 'data' | 'meta'> & Partial<Pick<Entry, 'time'>>;

/** The meta of a publication, with its time, as JSON. */
export function metaOf({ meta, time }: Publication): string | null {
  return time === undefined ? meta : stamped(meta, time);
}

export function stamped(meta: string | null, time: number): string {
  return meta === null ? `{"time":${time}}` : `${meta.slice(0, -1)},"time":${time}}`;
}

/** Whether it only tells of another one, or has been erased: then it is nothing for who gets data alone. */
export function isNotice({ meta }: Pick<Publication, 'meta'>): boolean {
  return meta !== null && /"(?:erases|replaces|erased)":/.test(meta);
}

/** A publication as a line of the protocol. */
export function lineOf(channel: number, publication: Publication): string {
  return encodePublication(channel, publication.offset, publication.data, metaOf(publication));
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
