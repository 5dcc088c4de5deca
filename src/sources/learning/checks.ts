import { CHECKSUMS, type ChecksumName } from '../checksums/index.ts';
import { Check, type CheckDescription, type FrameDescription } from '../framing/index.ts';
import { tryOut } from './trial.ts';

/** How many frames a checksum is tried on. */
const TRIED = 60;
/** Bytes at the start of a frame that a checksum may leave out. */
const LEFT_OUT = 4;
/** How improbable an accident must be: one in a million. */
const CERTAIN = 1e-6;

/**
 * A checksum that holds for every frame, if there are enough different frames that this is no accident. What covers most
 * wins.
 */
export function findCheck(description: FrameDescription, bursts: readonly Buffer[]): CheckDescription | undefined {
  const whole = tryOut({ ...description, strip: { start: 0, end: 0 } }, bursts).frames;
  const frames = [...new Map(whole.map((frame) => [frame.toString('latin1'), frame])).values()].slice(0, TRIED);
  const margins = marginsOf(description);
  const tried = possibleChecks(margins);
  for (const check of tried) {
    const { size } = new Check(check, margins);
    const chance = 256 ** -(CHECKSUMS[check.algorithm].width * frames.length) * tried.length;
    const isLong = frames.every((frame) => frame.length > size + margins.start + margins.end);
    if (chance < CERTAIN && isLong && frames.every((frame) => new Check(check, margins).holds(frame))) return check;
  }
  return;
}

interface Margins {
  readonly start: number;
  readonly end: number;
  readonly after: number;
}

function marginsOf(description: FrameDescription): Margins {
  const none = { start: 0, end: 0, after: 0 };
  if (description.kind !== 'enclosed' || description.start === description.end) return none;
  const end = typeof description.end === 'string' ? description.end.length : description.end.hex.length / 2;
  return { start: 1, end, after: description.after ?? 0 };
}

/** The likeliest first: in bytes before digits, over everything before it, from the first byte or the one behind the mark. */
function possibleChecks({ start, end, after }: Margins): CheckDescription[] {
  const found: CheckDescription[] = [];
  const names = Object.keys(CHECKSUMS) as ChecksumName[];
  for (const as of ['binary', 'hex'] as const)
    for (const algorithm of names)
      for (const endian of ['big', 'little'] as const) {
        const { width } = CHECKSUMS[algorithm];
        const size = as === 'hex' ? 2 * width : width;
        if (after > 0 ? size !== after : false) continue;
        if (endian === 'little' && (width === 1 || as === 'hex')) continue;
        const at = -size - (after > 0 ? 0 : end);
        for (let from = 0; from <= LEFT_OUT; from++)
          for (const to of [at, at - 1])
            found.push({
              algorithm,
              ...(from !== start && { from }),
              ...(to !== at && { to }),
              ...(endian === 'little' && { endian }),
              ...(as === 'hex' && { as }),
            });
      }
  // The default of what it covers comes before what leaves something out.
  return found.toSorted((a, b) => Number('from' in a) + Number('to' in a) - Number('from' in b) - Number('to' in b));
}
