import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { type FrameDescription, framerFactory } from '../../../src/sources/framing/index.ts';
import { learn, type RecordedChunk } from '../../../src/sources/learning/index.ts';
import { PRESETS, type PresetName } from '../../../src/sources/presets/index.ts';

/** A device that sends each payload after a pause; some cut in two on their way, some two at once. */
function record(description: FrameDescription, payloads: readonly Uint8Array[]): RecordedChunk[] {
  const framer = framerFactory(description)({ report: () => {} });
  const chunks: RecordedChunk[] = [];
  let at = 0;
  for (const [index, payload] of payloads.entries()) {
    const frame = framer.encode(payload);
    if (index % 5 !== 3) at += 1_000;
    if (index % 4 === 2 && frame.length > 2) {
      chunks.push({ at, bytes: frame.subarray(0, frame.length >> 1) });
      chunks.push({ at: at + 3, bytes: frame.subarray(frame.length >> 1) });
    } else chunks.push({ at, bytes: frame });
  }
  return chunks;
}

/** The frames of a recording, by what was learned. */
function cut(frame: PresetName | FrameDescription, chunks: readonly RecordedChunk[]): string[] {
  const framer = framerFactory(typeof frame === 'string' ? PRESETS[frame].frame : frame)({ report: () => {} });
  const frames: string[] = [];
  for (const { bytes } of chunks) {
    framer.append(bytes);
    for (let taken = framer.take(); taken; taken = framer.take()) frames.push(taken.toString('hex'));
  }
  return frames;
}

const text = fc
  .tuple(fc.constantFrom('S S', 'S D'), fc.integer({ min: 0, max: 99_999 }))
  .map(([state, grams]) => Buffer.from(`${state} ${(grams / 1000).toFixed(3)} kg`));
const binary = fc.uint8Array({ minLength: 3, maxLength: 40 });
const ten = fc.uint8Array({ minLength: 10, maxLength: 10 });

interface Device {
  readonly name: string;
  readonly description: FrameDescription;
  readonly payload: fc.Arbitrary<Uint8Array>;
  /** What must stand first, besides cutting alike. */
  readonly learned: PresetName | Partial<FrameDescription>;
}

const DEVICES: readonly Device[] = [
  {
    name: 'a scale with lines',
    description: { kind: 'lines', send: '\r\n' },
    payload: text,
    learned: { kind: 'lines' },
  },
  {
    name: 'a tracker that ends with ##',
    description: { kind: 'delimiter', delimiter: '##' },
    payload: text,
    learned: { kind: 'delimiter', delimiter: '##' },
  },
  {
    name: 'a sensor that ends with a zero',
    description: { kind: 'delimiter', delimiter: '\0' },
    payload: text,
    learned: { kind: 'delimiter', delimiter: '\0' },
  },
  { name: 'a scanner with STX and ETX', description: PRESETS['stx-etx'].frame, payload: text, learned: 'stx-etx' },
  {
    name: 'a scale with STX, ETX and xor behind it',
    description: { kind: 'enclosed', start: '\x02', end: '\x03', after: 1, check: 'xor' },
    payload: text,
    learned: { kind: 'enclosed', start: '\x02', end: '\x03', after: 1, check: 'xor' },
  },
  {
    name: 'a link with flags, escapes and X-25',
    description: {
      kind: 'enclosed',
      start: '~',
      end: '~',
      escape: { byte: '}', xor: 32 },
      check: { algorithm: 'crc16-x25', endian: 'little' },
    },
    payload: binary,
    learned: { kind: 'enclosed', start: '~', end: '~' },
  },
  { name: 'a link with SLIP', description: { kind: 'slip' }, payload: binary, learned: { kind: 'slip' } },
  { name: 'a link with COBS', description: { kind: 'cobs' }, payload: binary, learned: { kind: 'cobs' } },
  {
    name: 'a controller with a length of two bytes',
    description: { kind: 'length', strip: { start: 2, end: 0 } },
    payload: binary,
    learned: { kind: 'length' },
  },
  {
    name: 'a controller with a start, a length that counts everything, and a CRC',
    description: {
      kind: 'length',
      start: { hex: 'aa55' },
      endian: 'little',
      adjust: -4,
      check: 'crc16-ccitt-false',
      strip: { start: 4, end: 2 },
    },
    payload: binary,
    learned: { kind: 'length', start: { hex: 'aa55' }, check: 'crc16-ccitt-false' },
  },
  {
    name: 'a meter with frames of one length and a sum',
    description: { kind: 'fixed', length: 12, start: '\x68', check: 'sum', strip: { start: 1, end: 1 } },
    payload: ten,
    learned: { kind: 'fixed', length: 12 },
  },
  {
    name: 'Modbus RTU, which pauses',
    description: { kind: 'idle', gap: 20, check: { algorithm: 'crc16-modbus', endian: 'little' } },
    payload: binary,
    learned: { kind: 'idle', check: { algorithm: 'crc16-modbus', endian: 'little' } },
  },
];

for (const { name, description, payload, learned } of DEVICES)
  test(`${name} is learned from what it sends`, () => {
    fc.assert(
      fc.property(fc.uniqueArray(payload, { minLength: 24, maxLength: 30, selector: String }), (payloads) => {
        const isIdle = description.kind === 'idle';
        const all = record(description, payloads);
        // Two frames without a pause cannot be told apart by pauses.
        const chunks = isIdle ? all.map(({ bytes }, index) => ({ at: index * 100, bytes })) : all;
        const [best] = isIdle ? learn(whole(description, payloads)) : learn(chunks);
        assert.ok(best && best.confidence > 0.75, `${best?.confidence} ${best?.block}`);
        if (typeof learned === 'string') assert.equal(best.frame, learned);
        else assert.deepEqual({ ...(best.frame as object), ...learned }, best.frame, best.block);
        if (isIdle) return;
        const kept = typeof best.frame === 'string' ? best.frame : { ...best.frame, strip: { start: 0, end: 0 } };
        const same = typeof best.frame === 'string' ? description : { ...description, strip: { start: 0, end: 0 } };
        assert.deepEqual(cut(kept, chunks), cut(same, chunks), best.block);
      }),
      { numRuns: 20 },
    );
  });

test('a byte that happens to agree with two lengths is no length field', () => {
  // The ETX of the longer frames and the xor of "S S 0.000 kg", which is 2, stand where a length could.
  const device = DEVICES.find(({ name }) => name.includes('xor'))!;
  const grams = [...Array.from({ length: 20 }, (_, index) => 10_000 + index), 0, 9_947, 6_353, 9_864];
  const payloads = grams.map((one) => Buffer.from(`S S ${(one / 1000).toFixed(3)} kg`));
  const [best] = learn(record(device.description, payloads));
  assert.deepEqual(best?.frame, device.learned, best?.block);
});

function whole(description: FrameDescription, payloads: readonly Uint8Array[]): RecordedChunk[] {
  const framer = framerFactory(description)({ report: () => {} });
  return payloads.map((payload, index) => ({ at: index * 300, bytes: framer.encode(payload) }));
}

test('devices of known kinds are learned by their name, from a few frames', () => {
  const known: [PresetName, string[]][] = [
    [
      'gt06',
      ['78780d010352887071911998000479d00d0a', '787805120099abec0d0a', '7979000e941e000000d5000002ee00f59b850d0a'],
    ],
    [
      'teltonika',
      [
        '000f313233343536373839303132333435',
        '000000000000004b8e010000018368952793000f0e54fc209ab05800b300b40e00002a4f0001000000000000000000012a4f001e011c0001a40110eb47706aa38255aa96f21a154e2d00550d01000e020bd6010000823f',
      ],
    ],
    [
      'modbus',
      [
        '15010000000611 03006b0003',
        '15020000000911 0306022b00000064',
        '15030000000311 8302',
        '15040000000611 0300010001',
      ],
    ],
    [
      'nmea',
      [
        '$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n',
        '!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D\r\n',
      ].map(hex),
    ],
    ['syslog', ['<13>one\n', '<14>another one\n', '<165>1 2003-08-24T05:14:15Z h a p i - m\n', '<1>x\n'].map(hex)],
    ['statsd', ['gorets:1|c\n', 'glork:320|ms|@0.1\n', 'gaugor:333|g\n', 'uniques:765|s\n'].map(hex)],
    ['mllp', ['\x0bMSH|^~\\&|LAB\r\x1c\r', '\x0bMSH|^~\\&|LAB|ICU\r\x1c\r', '\x0bMSH|^~\\&|L\r\x1c\r'].map(hex)],
  ];
  for (const [name, frames] of known) {
    const chunks = frames.map((frame, index) => ({
      at: index * 1_000,
      bytes: Buffer.from(frame.replaceAll(' ', ''), 'hex'),
    }));
    const [best] = learn(chunks);
    assert.equal(best?.frame, name, JSON.stringify(best));
    assert.equal(best.block, `frame: ${name}\n`);
    assert.ok(best.confidence > 0.7);
  }
});

function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

test('noise gives no confident guess, and nothing gives none', () => {
  assert.deepEqual(learn([]), []);
  const noise = fc.array(fc.uint8Array({ minLength: 5, maxLength: 60 }), { minLength: 10, maxLength: 20 });
  fc.assert(
    fc.property(noise, (parts) => {
      const guesses = learn(parts.map((bytes, index) => ({ at: index * 500, bytes: Buffer.from(bytes) })));
      assert.ok(
        guesses.every(({ confidence }) => confidence < 0.6),
        guesses[0]?.block,
      );
    }),
    { numRuns: 50 },
  );
});

test('one frame is not enough to be sure, and more of the same are surer', () => {
  const line = (index: number) => ({ at: index * 1_000, bytes: Buffer.from(`reading ${index}\n`) });
  const [one] = learn([line(1)]);
  const [four] = learn([1, 2, 3, 4].map(line));
  assert.ok(one!.confidence < 0.6 && four!.confidence > 0.85, `${one!.confidence} ${four!.confidence}`);
});

test('the block that is written is the description, as YAML', () => {
  const description = { kind: 'enclosed', start: '\x02', end: '\x03', after: 1, check: 'xor' } as const;
  const payloads = ['S S 1.20 kg', 'S S 1.31 kg', 'S D 17.5 kg', 'S S 0 kg', 'S S 9 kg'].map((one) => Buffer.from(one));
  const [best] = learn(record(description, payloads));
  assert.deepEqual(parse(best!.block), { frame: best!.frame });
  assert.equal(best!.block, 'frame:\n  kind: enclosed\n  start: "\\x02"\n  end: "\\x03"\n  after: 1\n  check: xor\n');
  assert.match(best!.why, /^5 frames have 100 % of the bytes, 4 of 4 bursts end with one: .*checksum xor holds$/);
});
