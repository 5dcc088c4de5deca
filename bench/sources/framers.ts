import { type FrameDescription, framerFactory } from '../../src/sources/framing/index.ts';

/**
 * Frames a second of one core, for each kind of frame: `node bench/sources/framers.ts '<FramersOrder as JSON>'` prints
 * FramerResults as JSON.
 */

export interface FramersOrder {
  readonly seconds: number;
}

export interface FramerResult {
  readonly name: string;
  readonly perSecond: number;
}

const PAYLOAD = Buffer.from('t=2026-08-21T10:42:07Z kg=12.34 ok'); // 34 bytes
/** As large as what Node reads from a socket at once. */
const CHUNK = 65_536;

const KINDS: Readonly<Record<string, FrameDescription>> = {
  lines: { kind: 'lines' },
  'delimiter, 1 byte': { kind: 'delimiter', delimiter: '#' },
  'delimiter, 2 bytes': { kind: 'delimiter', delimiter: '##' },
  'delimiters, 3': { kind: 'delimiter', delimiter: ['#', '\0', ')'] },
  fixed: { kind: 'fixed', length: PAYLOAD.length },
  length: { kind: 'length', strip: { start: 2, end: 0 } },
  'length, start, CRC-16': {
    kind: 'length',
    start: { hex: '7878' },
    adjust: 2,
    check: 'crc16-x25',
    strip: { start: 4, end: 2 },
  },
  'STX, ETX': { kind: 'enclosed', start: '\x02', end: '\x03' },
  'STX, ETX, xor': { kind: 'enclosed', start: '\x02', end: '\x03', after: 1, check: 'xor' },
  'flags with escape, CRC-16': {
    kind: 'enclosed',
    start: '~',
    end: '~',
    escape: { byte: '}', xor: 32 },
    check: 'crc16-x25',
  },
  SLIP: { kind: 'slip' },
  COBS: { kind: 'cobs' },
  'idle gap': { kind: 'idle', gap: 50 },
  datagram: { kind: 'datagram' },
};

/** Chunks that cut frames, as a busy stream does; by time or datagram each frame is a chunk of its own. */
function chunksOf(description: FrameDescription): Buffer[] {
  const framer = framerFactory(description)({ report: fail });
  const frame = framer.encode(PAYLOAD);
  if (description.kind === 'idle' || description.kind === 'datagram') return Array(1_000).fill(frame);
  const all = Buffer.concat(Array(Math.ceil((16 * CHUNK) / frame.length)).fill(frame));
  return Array.from({ length: 16 }, (_, index) => all.subarray(index * CHUNK, (index + 1) * CHUNK));
}

function fail(error: Error): never {
  throw error;
}

function framesASecond(description: FrameDescription, seconds: number): number {
  const chunks = chunksOf(description);
  let now = 0;
  const clock = { now: () => now, after: () => () => {}, every: () => () => {} };
  let frames = 0;
  const round = () => {
    // A stream of its own, since the last chunk ends within a frame.
    const framer = framerFactory(description)({ report: fail, clock });
    for (const chunk of chunks) {
      framer.append(chunk);
      now += 50;
      while (framer.take()) frames++;
    }
  };
  for (let count = 0; count < 5; count++) round();
  frames = 0;
  const started = process.cpuUsage();
  let used = 0;
  while (used < seconds) {
    round();
    const { user, system } = process.cpuUsage(started);
    used = (user + system) / 1e6;
  }
  return frames / used;
}

const { seconds } = JSON.parse(process.argv[2]!) as FramersOrder;
const results = Object.entries(KINDS).map(
  ([name, description]): FramerResult => ({ name, perSecond: framesASecond(description, seconds) }),
);
console.log(JSON.stringify(results));
