import { JsonText } from '../../protocol/index.ts';
import type { SqlValue } from '../databases/index.ts';
import type { Cell } from './row.ts';

const TIME = /^(timestamp|datetime|date)/;
const JSON_TYPE = /^jsonb?$/;
const TEXT = /char|text|clob/;
/** A point in time with its zone, as JSON has it. */
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)$/;

/**
 * A JSON value for a column of a type. A number in a column for times is milliseconds since 1970, and a text with its
 * zone is that point in time, both in UTC; objects and lists are JSON; true and false are 1 and 0 but in texts.
 * `time`: a point in time, as the database takes it.
 */
export function valueFor(type: string, value: Cell, time: (milliseconds: number) => string): SqlValue {
  if (value === null) return null;
  if (value instanceof JsonText) return value.text;
  if (JSON_TYPE.test(type)) return JSON.stringify(value);
  if (TIME.test(type)) {
    const at = typeof value === 'string' && ISO.test(value) ? Date.parse(value) : value;
    if (typeof at === 'number' && !Number.isNaN(new Date(at).getTime())) return time(at);
  }
  if (typeof value === 'boolean') return TEXT.test(type) ? String(value) : Number(value);
  return typeof value === 'object' ? JSON.stringify(value) : value;
}
