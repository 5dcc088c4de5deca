import type { Position } from '../../src/client/index.ts';
import type { Listener } from './listener.ts';
import { PART, type Witness } from './witness.ts';

/** A publication, and where the server said that it stands; without `at`, it was never acknowledged. */
export interface Published {
  readonly id: string;
  readonly publisher: string;
  readonly channel: string;
  at?: Position | undefined;
}

export interface Verdict {
  readonly violations: string[];
  readonly messages: number;
  /** Those whose fate nobody was told. */
  readonly unacknowledged: number;
  /** Texts on connections that held, which no server acknowledges. */
  readonly texts: number;
  readonly duplicates: number;
  readonly losses: number;
  readonly gaps: number;
}

/** Somebody who is told of everything by a webhook, except what happened in the moment before the server was killed. */
export interface Informed {
  readonly name: string;
  readonly channel: string;
  readonly seen: ReadonlyMap<number, string>;
  readonly complaints: readonly string[];
  /** How often the server was killed. */
  readonly kills: number;
}

/** Those who have no positions. */
export interface Others {
  readonly listeners: readonly Pick<Listener, 'name' | 'channel' | 'stretches' | 'complaints'>[];
  /** What was sent by raw lines to one channel, by each connection. */
  readonly sent: readonly (readonly string[])[];
  /** The same of connections that held until all of it was heard, or the server ended them: all of it must be there. */
  readonly whole?: readonly (readonly string[])[];
  readonly informed?: readonly Informed[];
}

/**
 * Compares what was acknowledged with what was seen: everybody saw every acknowledged publication once and in order, or
 * was told that it is lost; and nobody saw one twice, acknowledged or not. `published` is in each publisher's order;
 * `early` are those who left before the end. Where there
 * is no position, one connection brings everything in a row, and of what it took the log has the beginning.
 */
export function judge(
  published: readonly Published[],
  witnesses: readonly Witness[],
  early: readonly Witness[] = [],
  { listeners, sent, whole = [], informed = [] }: Others = { listeners: [], sent: [] },
): Verdict {
  const all = [...witnesses, ...early];
  const violations = all.flatMap(({ complaints }) => complaints);
  let losses = 0;
  let twice = 0;
  /** What stands where, and where everything stands. */
  const places = new Map<string, string>();
  const ids = new Map<string, string>();
  const place = (channel: string, offset: number, id: string, who: string) => {
    const at = `${channel} ${offset}`;
    const other = places.get(at);
    if (other !== undefined && other !== id) violations.push(`${who}: ${at} is ${id}, and elsewhere ${other}`);
    places.set(at, id);
    const elsewhere = ids.get(id);
    if (elsewhere !== undefined && elsewhere !== at) {
      twice += 1;
      violations.push(`${who}: ${id} stands at ${at} and at ${elsewhere}`);
    }
    ids.set(id, at);
  };
  const newest = new Map<string, number>();
  const known = new Set<string>();
  const acknowledged = new Map<string, { id: string; at: Position }[]>();
  for (const { id, publisher, channel, at } of published) {
    known.add(id);
    if (!at) continue;
    const others = acknowledged.get(channel);
    if (others) others.push({ id, at });
    else acknowledged.set(channel, [{ id, at }]);
    place(channel, at[1], id, publisher);
    const before = newest.get(`${publisher} ${channel}`) ?? 0;
    if (at[1] <= before) violations.push(`${publisher}: ${id} at ${at[1]} was overtaken by one at ${before}`);
    newest.set(`${publisher} ${channel}`, at[1]);
  }
  /** Of lines that were cut, of which each connection has one at most. */
  const parts = new Set<string>();
  for (const witness of all) {
    const { name, channel, seen, gaps } = witness;
    for (const [offset, id] of seen) {
      if (id.startsWith(PART)) parts.add(id);
      else if (!known.has(id)) violations.push(`${name}: nobody has published ${id}`);
      place(channel, offset, id, name);
    }
    if (early.includes(witness)) continue;
    for (const { id, at } of acknowledged.get(channel) ?? []) {
      if (at[1] <= witness.start || seen.has(at[1])) continue;
      if (gaps.some(({ have, head }) => have < at[1] && at[1] <= head)) continue;
      losses += 1;
      violations.push(`${name} in ${channel}: ${id} at ${at[1]} was acknowledged and never came`);
    }
  }
  for (const { name, channel, seen, complaints, kills } of informed) {
    violations.push(...complaints);
    for (const [offset, id] of seen) place(channel, offset, id, name);
    const stored = [...ids.values()].flatMap((at) => (at.startsWith(`${channel} `) ? Number(at.split(' ')[1]) : []));
    const holes = stored
      .sort((one, other) => one - other)
      .filter((at, index) => !seen.has(at) && (index === 0 || seen.has(stored[index - 1]!)));
    if (holes.length > kills)
      violations.push(`${name}: ${holes.length} holes, after ${kills} kills, at ${holes.join(' ')} of ${channel}`);
  }
  const offsetOf = (id: string) => Number(ids.get(id)?.split(' ')[1]);
  for (const { name, channel, stretches, complaints } of listeners) {
    violations.push(...complaints);
    for (const stretch of stretches)
      for (const [index, id] of stretch.entries()) {
        const before = stretch[index - 1];
        // Nobody knows which part that is.
        if (id === PART || before === PART) continue;
        if (!ids.has(id)) violations.push(`${name}: ${id} stands nowhere in ${channel}`);
        else if (before !== undefined && offsetOf(id) !== offsetOf(before) + 1)
          violations.push(`${name}: ${id} at ${offsetOf(id)} came after ${offsetOf(before)}, on one connection`);
      }
  }
  if (parts.size > sent.length) violations.push(`${parts.size} parts of lines, of ${sent.length} connections`);
  for (const line of whole) {
    const missing = line.filter((id) => !ids.has(id));
    losses += missing.length;
    if (missing.length > 0)
      violations.push(`of the ${line.length} texts ${line[0]} to ${line.at(-1)}, ${missing.length} are nowhere`);
  }
  for (const line of [...sent, ...whole]) {
    const stored = line.filter((id) => ids.has(id));
    if (stored.some((id, index) => id !== line[index]))
      violations.push(`of the lines ${line[0]} to ${line.at(-1)}, only ${stored.join(' ')} were stored`);
    if (stored.some((id, index) => index > 0 && offsetOf(id) < offsetOf(stored[index - 1]!)))
      violations.push(`the lines ${line[0]} to ${line.at(-1)} were stored out of their order`);
  }
  const texts = whole.reduce((sum, { length }) => sum + length, 0);
  return {
    violations,
    messages: published.filter(({ at }) => at).length,
    unacknowledged: published.filter(({ at }) => !at).length - texts,
    texts,
    duplicates: twice + all.reduce((sum, { duplicates }) => sum + duplicates, 0),
    losses,
    gaps: all.reduce((sum, { gaps }) => sum + gaps.length, 0),
  };
}
