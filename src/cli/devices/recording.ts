import { readFileSync } from 'node:fs';
import { ZocaloError } from '../../errors.ts';

/** What happened on a connection; `at` is in milliseconds since the recording began. */
export interface RecordedEvent {
  readonly at: number;
  /** Connections are numbered from 1. */
  readonly connection: number;
  readonly what: { readonly from: string } | { readonly bytes: Buffer } | 'end';
}

/** An event as a line of a recording, which is JSON: `{"at":12.5,"connection":1,"hex":"a5"}`. */
export function lineOfEvent({ at, connection, what }: RecordedEvent): string {
  const rounded = Math.round(at * 10) / 10;
  if (what === 'end') return `${JSON.stringify({ at: rounded, connection, end: true })}\n`;
  const rest = 'from' in what ? what : { hex: what.bytes.toString('hex') };
  return `${JSON.stringify({ at: rounded, connection, ...rest })}\n`;
}

/**
 * The events of a file that `zocalo listen --record` has written, or somebody by hand.
 * @throws ZocaloError BAD_OPTION with the number of the line.
 */
export function readRecording(path: string): RecordedEvent[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code;
    throw new ZocaloError('BAD_OPTION', `the recording ${path} cannot be read (${why})`, { cause: error });
  }
  const events: RecordedEvent[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const event = eventOf(line);
    if (!event || event.at < (events.at(-1)?.at ?? 0))
      throw new ZocaloError('BAD_OPTION', `${path}:${index + 1} is not an event of a recording, or is out of order`, {
        advice: 'a line is like {"at":12.5,"connection":1,"hex":"a5"}; zocalo listen --record writes such files',
      });
    events.push(event);
  }
  return events;
}

function eventOf(line: string): RecordedEvent | undefined {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return;
  }
  const { at, connection, hex, from, end } = (event ?? {}) as Record<string, unknown>;
  if (typeof at !== 'number' || at < 0 || typeof connection !== 'number') return;
  if (end === true) return { at, connection, what: 'end' };
  if (typeof from === 'string') return { at, connection, what: { from } };
  if (typeof hex === 'string' && /^(?:[0-9a-f]{2})+$/i.test(hex))
    return { at, connection, what: { bytes: Buffer.from(hex, 'hex') } };
  return;
}
