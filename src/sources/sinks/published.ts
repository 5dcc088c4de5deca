import type { JsonValue } from '../decoding/index.ts';

/** A publication, as a queue has it. */
export interface Published {
  /** Its place in the queue: ascending, and never used twice. */
  readonly place: number;
  readonly channel: string;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** JSON text. */
  readonly data: string;
  /** JSON text. */
  readonly meta: string | null;
}

/** Digits that a number of JavaScript may not have: 15 are always exact (ECMA-262 §6.1.6.1). */
const LONG_NUMBER = /[\d.]{16}/;

/**
 * What the columns of a row are made of: the members of the data, and what is known of the publication itself, which
 * nobody can pretend in the data.
 */
export function fieldsOf({ channel, offset, time, data, meta }: Published): Readonly<Record<string, JsonValue>> {
  const value = parse(data);
  const { key = null, user = null } = meta === null ? {} : (JSON.parse(meta) as { key?: string; user?: string });
  const hasMembers = typeof value === 'object' && value !== null && !Array.isArray(value);
  const members = hasMembers ? (value as Readonly<Record<string, JsonValue>>) : {};
  return { ...members, data: value, channel, offset, time, key, user };
}

/** A number with more digits than JavaScript keeps becomes a text of its digits, which databases take exactly. */
function parse(text: string): JsonValue {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  type Reviver = (this: unknown, name: string, value: unknown, context?: { source?: string }) => unknown;
  const keepDigits: Reviver = (_, value, context) => {
    const source = context?.source;
    return typeof value === 'number' && source !== undefined && LONG_NUMBER.test(source) ? source : value;
  };
  return JSON.parse(text, keepDigits as Parameters<typeof JSON.parse>[1]);
}
