import type { Gap, Position } from '../../../src/client/index.ts';

/** A publication, and where the server said that it stands. */
export interface Sent {
  readonly id: string;
  readonly publisher: string;
  readonly channel: string;
  at?: Position;
  /** When that was, by `performance.now()`. */
  acknowledged?: number;
}

/** What a reader was told of a channel, in its order. */
export type Told = { readonly at: Position; readonly id: string } | { readonly gap: Gap };

export interface Reader {
  readonly name: string;
  readonly channel: string;
  /** Where it was when it first subscribed. */
  start?: Position;
  readonly told: Told[];
}

export interface Evidence {
  readonly sent: readonly Sent[];
  readonly readers: readonly Reader[];
  /** The logs at the end. */
  readonly logs: ReadonlyMap<string, readonly { readonly at: Position; readonly id: string }[]>;
  /** Nothing acknowledged may be lost, and so no gap be told. */
  readonly isDurable: boolean;
}

export interface Verdict {
  readonly violations: string[];
  readonly acknowledged: number;
  /** Acknowledged, and not in the log at the end. */
  readonly lost: number;
  readonly gaps: number;
}

/**
 * No position has two publications; readers hear each publication once and in order, or are told of a gap; everybody
 * hears what is acknowledged, unless a gap says otherwise; what is lost was told as a gap to all.
 */
export function judge({ sent, readers, logs, isDurable }: Evidence): Verdict {
  const violations: string[] = [];
  const places = new Map<string, string>();
  const place = (channel: string, [epoch, offset]: Position, id: string, who: string) => {
    const where = `${channel} ${epoch} ${offset}`;
    const other = places.get(where);
    if (other !== undefined && other !== id) violations.push(`${who}: ${where} is ${id}, and elsewhere ${other}`);
    places.set(where, id);
  };
  for (const { id, publisher, channel, at } of sent) if (at) place(channel, at, id, publisher);
  for (const [channel, entries] of logs) {
    const seen = new Set<string>();
    const newest = new Map<string, number>();
    for (const { at, id } of entries) {
      place(channel, at, id, 'the log');
      if (seen.has(id)) violations.push(`the log of ${channel} has ${id} twice`);
      seen.add(id);
      const [publisher = '', number] = id.split('/');
      if (Number(number) < (newest.get(publisher) ?? 0)) violations.push(`${channel}: ${id} is behind a later one`);
      newest.set(publisher, Number(number));
    }
  }
  let gaps = 0;
  for (const reader of readers) gaps += judgeReader(reader, place, violations);
  if (isDurable && gaps > 0) violations.push(`${gaps} gaps were told, and nothing may be lost`);
  let lost = 0;
  const acknowledged = sent.filter(({ at }) => at);
  const stored = new Map([...logs].map(([channel, entries]) => [channel, new Set(entries.map(({ id }) => id))]));
  const heard = new Map(readers.map((reader) => [reader, new Set(reader.told.map((one) => 'id' in one && one.id))]));
  for (const { id, channel, at } of acknowledged) {
    const [, offset] = at!;
    const isThere = stored.get(channel)?.has(id) === true;
    if (!isThere) {
      lost += 1;
      if (isDurable) violations.push(`${id} was acknowledged at ${at} of ${channel}, and is not in the log`);
    }
    for (const reader of readers) {
      if (reader.channel !== channel || heard.get(reader)!.has(id)) continue;
      if (!reader.start || (reader.start[0] === at![0] && offset <= reader.start[1])) continue;
      const isTold = reader.told.some((told) => 'gap' in told && (!isThere || told.gap.head >= offset));
      if (!isTold) violations.push(`${reader.name}: ${id} at ${at} of ${channel} never came, and no gap says so`);
    }
  }
  return { violations, acknowledged: acknowledged.length, lost, gaps };
}

/** Answers how many gaps it was told of. */
function judgeReader(
  { name, channel, start, told }: Reader,
  place: (channel: string, at: Position, id: string, who: string) => void,
  violations: string[],
): number {
  let gaps = 0;
  let position = start;
  /** In which stretch between gaps each was heard. */
  const heard = new Map<string, number>();
  for (const one of told) {
    if ('gap' in one) {
      gaps += 1;
      position = [one.gap.epoch, one.gap.head];
      continue;
    }
    const { at, id } = one;
    place(channel, at, id, name);
    if (heard.get(id) === gaps) violations.push(`${name}: ${id} of ${channel} came twice`);
    heard.set(id, gaps);
    if (position && (at[0] !== position[0] || at[1] !== position[1] + 1))
      violations.push(`${name}: ${id} of ${channel} at ${at} came after ${position}, without a word`);
    position = at;
  }
  return gaps;
}
