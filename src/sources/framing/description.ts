import { type Clock, systemClock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import type { ChecksumName } from '../checksums/index.ts';
import { CobsFraming } from './cobs.ts';
import { DatagramFramer } from './datagram.ts';
import { DelimiterFraming } from './delimiter.ts';
import { EnclosedFraming } from './enclosed.ts';
import { type CheckDescription, Envelope, type Strip } from './envelope.ts';
import { Escape, type EscapeDescription } from './escape.ts';
import { FixedFraming } from './fixed.ts';
import { FlagFraming } from './flag.ts';
import { type Framer, type Framing, NO_MARGINS, type Report } from './framer.ts';
import { IdleFramer } from './idle.ts';
import { type LengthDescription, LengthHead } from './length.ts';
import { LineFraming } from './lines.ts';
import { bytesOf, type MarkDescription, Marks } from './marks.ts';
import { MeasuredFraming } from './measured.ts';
import { SlipFraming } from './slip.ts';
import { StreamFramer } from './stream-framer.ts';

type OneOrMore<T> = T | readonly T[];

/** What tells where a frame ends. */
export type FrameKind =
  | { readonly kind: 'lines'; readonly send?: '\n' | '\r\n' }
  | { readonly kind: 'delimiter'; readonly delimiter: OneOrMore<MarkDescription> }
  | { readonly kind: 'fixed'; readonly length: number; readonly start?: OneOrMore<MarkDescription> }
  | ({ readonly kind: 'length'; readonly start?: MarkDescription; readonly end?: MarkDescription } & LengthDescription)
  | {
      readonly kind: 'enclosed';
      readonly start: OneOrMore<MarkDescription>;
      readonly end: MarkDescription;
      readonly escape?: EscapeDescription;
      /** Bytes of a checksum behind the end. Default: 0. */
      readonly after?: number;
    }
  | { readonly kind: 'slip' | 'cobs' }
  /** Each chunk is a frame, or if `each` is given, a stream that begins and ends: StatsD has several lines in one. */
  | { readonly kind: 'datagram'; readonly each?: FrameDescription }
  /** `gap`: milliseconds of silence. */
  | { readonly kind: 'idle'; readonly gap: number }
  /** Rules in code: those of the presets. */
  | { readonly kind: 'custom'; readonly framing: Framing };

/** A whole frame: its kind, its checksum, its limit. */
export type FrameDescription = FrameKind & {
  readonly check?: ChecksumName | CheckDescription;
  /** Default: the marks and the checksum, but nothing for frames of a fixed length or with a length field. */
  readonly strip?: Strip;
  /** In bytes, marks and escapes included. Default: 65,536. */
  readonly limit?: number;
};

export interface FramerEnvironment {
  readonly report: Report;
  readonly clock?: Clock;
}

export const FRAME_LIMIT = 65_536;

/**
 * Reads a description once; each connection then gets a framer of its own.
 * @throws ZocaloError BAD_OPTION for a description that cannot work.
 */
export function framerFactory(description: FrameDescription): (environment: FramerEnvironment) => Framer {
  const { limit = FRAME_LIMIT, strip } = description;
  const check = typeof description.check === 'string' ? { algorithm: description.check } : description.check;
  if (description.kind === 'datagram' || description.kind === 'idle') {
    const envelope = new Envelope(check, strip, { margins: NO_MARGINS });
    if (description.kind === 'datagram') {
      const each = description.each && framerFactory(description.each);
      return ({ report }) => new DatagramFramer({ envelope, limit, report, each: each && (() => each({ report })) });
    }
    const { gap } = description;
    return ({ report, clock = systemClock }) => new IdleFramer({ gap, clock, envelope, limit, report });
  }
  const framing = framingOf(description, limit);
  const envelope = new Envelope(check, strip, framing);
  return ({ report }) => new StreamFramer({ framing, envelope, limit, report });
}

function framingOf(description: Exclude<FrameKind, { kind: 'datagram' | 'idle' }>, limit: number): Framing {
  switch (description.kind) {
    case 'lines':
      return new LineFraming(description.send);
    case 'delimiter':
      return new DelimiterFraming(marksOf(description.delimiter));
    case 'fixed': {
      const { length, start } = description;
      if (length < 1 || length > limit)
        throw bad(`a frame of ${length} bytes is not between 1 and the limit, ${limit}`);
      return new FixedFraming(length, start === undefined ? undefined : marksOf(start));
    }
    case 'length': {
      const { start, end } = description;
      const marks = start === undefined ? undefined : marksOf(start);
      return new MeasuredFraming(new LengthHead(description, { marks, end: end === undefined ? end : bytesOf(end) }));
    }
    case 'enclosed':
      return enclosed(description);
    case 'slip':
      return new SlipFraming();
    case 'cobs':
      return new CobsFraming();
    case 'custom':
      return description.framing;
  }
}

function enclosed({ start, end, after = 0, ...description }: Extract<FrameKind, { kind: 'enclosed' }>): Framing {
  const [starts, ends] = [marksOf(start), marksOf(end)];
  if (starts.all.some(({ length }) => length !== starts.length)) throw bad('the marks of a start differ in length');
  const special = [...starts.all, ...ends.all];
  if (description.escape && special.some(({ length }) => length > 1))
    throw bad('a mark of several bytes cannot be escaped');
  const escaping =
    description.escape &&
    new Escape(
      description.escape,
      special.map((mark) => mark[0]!),
    );
  if (!ends.longest.equals(starts.longest))
    return new EnclosedFraming({ start: starts, end: ends, escape: escaping, after });
  if (starts.all.length > 1 || after > 0)
    throw bad('where start and end are the same mark, there is one, and nothing after');
  return new FlagFraming(starts, escaping);
}

function marksOf(marks: OneOrMore<MarkDescription>): Marks {
  const all = (Array.isArray(marks) ? marks : [marks]).map(bytesOf);
  if (all.length === 0) throw bad('a list of marks is empty');
  return new Marks(all);
}

function bad(happened: string): ZocaloError {
  return new ZocaloError('BAD_OPTION', happened, { advice: 'see docs/devices.md for the kinds of frames' });
}
