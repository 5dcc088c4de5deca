import type { Entry } from '../broker.ts';
import { FIELD } from './scripts.ts';

/** What was appended by one call, as it is announced. */
export interface News {
  readonly channel: string;
  readonly epoch: string;
  /** The process that published it, and the number of its call. */
  readonly node: string;
  readonly call: number;
  readonly entries: Entry[];
  /** Which of the publications of the call each entry was. */
  readonly indexes: readonly number[];
}

const HEAD = 5;
const WIDTH = 4;

/** Reads what the script has announced. Undefined when it is something else. */
export function readNews(message: string): News | undefined {
  const fields = message.split(FIELD);
  const count = (fields.length - HEAD) / WIDTH;
  const [channel = '', epoch = '', node = '', call, first] = fields;
  const from = Number(first);
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(from) || from < 1) return undefined;
  const entries: Entry[] = new Array(count);
  const indexes: number[] = new Array(count);
  for (let at = 0; at < count; at++) {
    const begin = HEAD + at * WIDTH;
    indexes[at] = Number(fields[begin]);
    const meta = fields[begin + 3]!;
    entries[at] = {
      offset: from + at,
      time: Number(fields[begin + 1]),
      data: fields[begin + 2]!,
      meta: meta === '' ? null : meta,
    };
  }
  return { channel, epoch, node, call: Number(call), entries, indexes };
}

/** Reads what the script `read` has returned. */
export function readEntries(fields: readonly string[], from: number, begin: number): Entry[] {
  const entries: Entry[] = [];
  for (let at = begin; at < fields.length; at += 3) {
    const meta = fields[at + 2]!;
    entries.push({
      offset: from + entries.length,
      time: Number(fields[at]),
      data: fields[at + 1]!,
      meta: meta === '' ? null : meta,
    });
  }
  return entries;
}
