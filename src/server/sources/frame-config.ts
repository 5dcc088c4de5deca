import { z } from 'zod';
import { ZocaloError } from '../../errors.ts';
import {
  CHECKSUMS,
  type ChecksumName,
  type DecodeDescription,
  decoderOf,
  type FrameDescription,
  framerFactory,
  PRESETS,
  type PresetName,
} from '../../sources/index.ts';
import { bytesOf, command, durationOf } from '../value-types/index.ts';

/** Refuses what `make` cannot work with, in its own words. */
export function refuse(context: z.core.$RefinementCtx, make: () => unknown): void {
  try {
    make();
  } catch (error) {
    if (!(error instanceof ZocaloError)) throw error;
    const { happened, advice } = error;
    context.addIssue({ code: 'custom', message: `is not right: ${happened}${advice ? `; ${advice}` : ''}` });
  }
}

const mark = z
  .union([z.string(), z.strictObject({ hex: z.string() })])
  .meta({ allowed: 'bytes as text, like "\\r\\n" or "\\x02", or like {hex: "0d 0a"}' });
const marks = z.union([mark, z.array(mark)]).meta({ allowed: 'bytes as text, like "\\r\\n", or a list of such' });
const whole = z.int();
const count = z.int().min(0);
const endian = z.enum(['big', 'little']);
const algorithm = z.enum(Object.keys(CHECKSUMS) as [ChecksumName, ...ChecksumName[]]);

const all = {
  check: z
    .union([
      algorithm,
      z.strictObject({
        algorithm,
        from: whole.optional(),
        to: whole.optional(),
        at: whole.optional(),
        width: z.int().min(1).max(6).optional(),
        endian: endian.optional(),
        as: z.enum(['binary', 'hex']).optional(),
      }),
    ])
    .optional(),
  strip: z.strictObject({ start: count, end: count }).optional(),
  limit: bytesOf({ least: 1, most: '64MiB' }).optional(),
};

const streamed = [
  z.strictObject({ kind: z.literal('lines'), send: z.enum(['\n', '\r\n']).optional(), ...all }),
  z.strictObject({ kind: z.literal('delimiter'), delimiter: marks, ...all }),
  z.strictObject({ kind: z.literal('fixed'), length: z.int().positive(), start: marks.optional(), ...all }),
  z.strictObject({
    kind: z.literal('length'),
    offset: count.optional(),
    width: z.literal([1, 2, 3, 4]).optional(),
    endian: endian.optional(),
    adjust: whole.optional(),
    start: mark.optional(),
    end: mark.optional(),
    ...all,
  }),
  z.strictObject({
    kind: z.literal('enclosed'),
    start: marks,
    end: mark,
    escape: z
      .strictObject({
        byte: mark,
        xor: z.int().min(0).max(255).optional(),
        codes: z.array(z.tuple([mark, mark])).optional(),
      })
      .optional(),
    after: count.optional(),
    ...all,
  }),
  z.strictObject({ kind: z.literal('slip'), ...all }),
  z.strictObject({ kind: z.literal('cobs'), ...all }),
] as const;

/** Frames that have a name without being a preset. */
const PLAIN = ['lines', 'slip', 'cobs'] as const;
type Plain = (typeof PLAIN)[number];
const NAMES = [...PLAIN, ...(Object.keys(PRESETS) as PresetName[])] as const;

/** Nearer to the sockets, a name is always a preset's. */
function framed(frame: (typeof NAMES)[number] | object): PresetName | FrameDescription {
  if (typeof frame === 'object') return frame as FrameDescription;
  return frame in PRESETS ? (frame as PresetName) : { kind: frame as Plain };
}

export const frame = z
  .union([
    z.enum(NAMES),
    z.discriminatedUnion('kind', [
      ...streamed,
      z.strictObject({ kind: z.literal('idle'), gap: durationOf({ least: 1, most: '1m' }), ...all }),
      z.strictObject({
        kind: z.literal('datagram'),
        each: z.discriminatedUnion('kind', streamed).optional(),
        ...all,
      }),
    ]),
  ])
  .superRefine((value, context) => {
    if (typeof value === 'object') refuse(context, () => framerFactory(value as FrameDescription));
  })
  .transform(framed)
  .meta({ allowed: `one of ${NAMES.join(', ')}, or a map with kind`, whole: true });

const encoding = z.string().optional();

const program = z.strictObject({
  program: command.describe('Is started, and asked what each frame says: see docs/devices.md.'),
  workers: z.int().min(1).max(256).default(1).describe('How many processes of it there are.'),
  timeout: durationOf({ least: '10ms', most: '5m' })
    .prefault('3s')
    .describe('How long the answer to a frame may take.'),
});

const described = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('text'), encoding }),
    z.strictObject({ kind: z.literal('json'), encoding }),
    z.strictObject({
      kind: z.literal('expression'),
      pattern: z.string(),
      flags: z.string().optional(),
      types: z.record(z.string(), z.enum(['text', 'number', 'integer', 'hex'])).optional(),
      encoding,
    }),
    z.strictObject({ kind: z.literal('hex') }),
    z.strictObject({ kind: z.literal('fields'), fields: z.record(z.string(), z.string()) }),
  ])
  .superRefine((value, context) => refuse(context, () => decoderOf(value as DecodeDescription)))
  .transform((value) => value as DecodeDescription);

export const decode = z.union([described, program]).meta({ allowed: 'a map with kind, or with program', whole: true });

export type ProgramDecodeConfig = z.output<typeof program>;
