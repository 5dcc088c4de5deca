import type { FrameDescription, LengthDescription } from '../framing/index.ts';
import { commonEnd, commonStart, markOf, mayMark } from './marks.ts';

/** A description that might fit, and how much to believe it if it does: 0 to 1. */
export interface Candidate {
  readonly frame: FrameDescription;
  readonly belief: number;
  /** What speaks for it, as part of a sentence. */
  readonly reason: string;
}

/** The farthest place of a length field that is looked at. */
const FARTHEST = 20;
/** Bytes: a mark that is longer than this is rather content that never changed. */
const LONGEST_MARK = 4;

/** Descriptions that the bursts suggest. Each must be tried out. */
export function candidatesOf(bursts: readonly Buffer[]): Candidate[] {
  return [
    ...(isText(bursts) ? [{ frame: { kind: 'lines' }, belief: 0.95, reason: 'lines of text' } as const] : []),
    { frame: { kind: 'slip' }, belief: 0.96, reason: 'SLIP without a wrong escape' },
    { frame: { kind: 'cobs' }, belief: 0.96, reason: 'COBS without a wrong code' },
    ...delimiters(bursts),
    ...enclosures(bursts),
    ...lengths(bursts),
    ...fixed(bursts),
  ];
}

/** Whether there are no control characters but those of lines, and a tab. */
function isText(bursts: readonly Buffer[]): boolean {
  return bursts.every((burst) => burst.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13));
}

function delimiters(bursts: readonly Buffer[]): Candidate[] {
  const end = commonEnd(bursts);
  let length = 0;
  while (length < Math.min(end.length, LONGEST_MARK) && mayEnd(end[end.length - 1 - length]!)) length++;
  if (length === 0) return [];
  const delimiter = markOf(end.subarray(end.length - length));
  return [{ frame: { kind: 'delimiter', delimiter }, belief: 0.85, reason: 'the same end' }];
}

/** A zero ends texts, but rarely starts anything. */
function mayEnd(byte: number): boolean {
  return byte === 0 || mayMark(byte);
}

function enclosures(bursts: readonly Buffer[]): Candidate[] {
  const start = commonStart(bursts).subarray(0, 1);
  if (start.length === 0 || !mayMark(start[0]!)) return [];
  const found: Candidate[] = [];
  for (const after of [0, 1, 2]) {
    const common = commonEnd(bursts, after);
    // A checksum of zeros does not make a mark.
    if (common.length === 0 || !mayMark(common.at(-1)!)) continue;
    const isLine = common.length > 1 && common.subarray(-2).toString('latin1') === '\r\n';
    const end = isLine ? common.subarray(-2) : common.subarray(-1);
    const isFlag = end.equals(start);
    if (isFlag && after > 0) continue;
    const marks = { kind: 'enclosed', start: markOf(start), end: markOf(end) } as const;
    const belief = after === 0 ? 0.96 : 0.7; // with a checksum that holds it rises
    const reason = isFlag ? 'the same flag at both ends' : 'the same start and the same end';
    const escapes = isFlag ? escapesOf(bursts, start[0]!) : [];
    for (const escaping of escapes) found.push({ frame: { ...marks, ...escaping }, belief: belief + 0.01, reason });
    found.push({ frame: after > 0 ? { ...marks, after } : marks, belief, reason });
  }
  return found;
}

const HDLC = { byte: '\x7d', xor: 0x20 } as const;
const JT808 = {
  byte: '\x7d',
  codes: [
    ['\x7d', '\x01'],
    ['\x7e', '\x02'],
  ],
} as const;

/** How `7e` within frames may be escaped, by what follows the escape byte. */
function escapesOf(bursts: readonly Buffer[], flag: number) {
  if (flag !== 0x7e) return [];
  const followers = bursts.flatMap((burst) => [...burst].filter((_, index) => burst[index - 1] === 0x7d));
  if (followers.length === 0) return [];
  if (followers.every((byte) => byte === 1 || byte === 2)) return [{ escape: JT808 }];
  return followers.every((byte) => byte !== 0x7e) ? [{ escape: HDLC }] : [];
}

function lengths(bursts: readonly Buffer[]): Candidate[] {
  const found: Candidate[] = [];
  const prefix = commonStart(bursts);
  for (const width of [4, 3, 2, 1] as const)
    for (const endian of width === 1 ? (['big'] as const) : (['big', 'little'] as const))
      for (let offset = 0; offset <= FARTHEST; offset++) {
        const agreed = adjustmentOf(bursts, { offset, width, endian });
        if (!agreed) continue;
        const { adjust, sizes } = agreed;
        const start = prefix.subarray(0, Math.min(offset, 2, prefix.length));
        const isMark = start.length > 0 && mayMark(start[0]!);
        // A zero in front is the rest of a wider field; one behind, of a wider one that begins with the low byte.
        const isNarrow = offset > 0 && prefix.length >= offset && prefix[offset - 1] === 0;
        const field = { kind: 'length', offset, width, endian, adjust } as const;
        found.push({
          frame: isMark ? { ...field, start: markOf(start) } : field,
          belief:
            (0.93 - (isNarrow ? 0.1 : 0) - offset / 400 - Math.abs(adjust) / 400 - (width === 3 ? 0.05 : 0)) *
            // The first length says nothing, since the adjustment is chosen for it; the second may be an accident.
            (1 - 0.5 ** (sizes - 1)),
          reason: 'a field that tells the length',
        });
      }
  return found;
}

/**
 * What must be added to the field's value for most of the bursts, if the same for all of them, and how many different
 * lengths these bursts have; undefined if the field tells no length, or if all are as long, so that nothing can be told.
 */
function adjustmentOf(
  bursts: readonly Buffer[],
  { offset, width, endian }: Required<Omit<LengthDescription, 'adjust'>>,
): { readonly adjust: number; readonly sizes: number } | undefined {
  const counts = new Map<number, Set<number>>();
  let number = 0;
  let best: number | undefined;
  const votes = new Map<number, number>();
  for (const burst of bursts) {
    if (burst.length < offset + width) continue;
    number++;
    const value = endian === 'big' ? burst.readUIntBE(offset, width) : burst.readUIntLE(offset, width);
    const adjust = burst.length - value - offset - width;
    if (Math.abs(adjust) > FARTHEST) continue;
    counts.set(adjust, (counts.get(adjust) ?? new Set()).add(burst.length));
    votes.set(adjust, (votes.get(adjust) ?? 0) + 1);
    if (best === undefined || votes.get(adjust)! > votes.get(best)!) best = adjust;
  }
  if (best === undefined || votes.get(best)! < 0.5 * number || votes.get(best)! < 3) return;
  const sizes = counts.get(best)!.size;
  return sizes < 2 ? undefined : { adjust: best, sizes };
}

function fixed(bursts: readonly Buffer[]): Candidate[] {
  const length = Math.min(...bursts.map((burst) => burst.length));
  if (bursts.length < 3 || length < 2 || bursts.some((burst) => burst.length % length > 0)) return [];
  const start = commonStart(bursts).subarray(0, 1);
  const frame = { kind: 'fixed', length } as const;
  const isMarked = start.length > 0 && mayMark(start[0]!);
  const reason = 'the same length each time';
  return [{ frame: isMarked ? { ...frame, start: markOf(start) } : frame, belief: 0.6, reason }];
}
