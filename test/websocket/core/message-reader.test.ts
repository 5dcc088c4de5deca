import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { headerSize, writeFrame } from '../../../src/websocket/core/frame-writer.ts';
import { MessageReader, type MessageSink, type ReaderLimits } from '../../../src/websocket/core/message-reader.ts';
import { WireError } from '../../../src/websocket/core/wire-error.ts';

const LIMITS: ReaderLimits = { maxMessage: 1 << 20, maxFrame: 1 << 20, maxFragments: 1000 };

/** Writes down what it is told, a line each. */
class Log implements MessageSink {
  readonly lines: string[] = [];
  onText = (text: string) => void this.lines.push(`text ${text}`);
  onBinary = (bytes: Buffer) => void this.lines.push(`binary ${bytes.toString('hex')}`);
  onCompressed = (bytes: Buffer, isText: boolean) =>
    void this.lines.push(`compressed ${isText ? 'text' : 'binary'} ${bytes.toString('hex')}`);
  onPing = (bytes: Buffer) => void this.lines.push(`ping ${bytes.toString('hex')}`);
  onPong = (bytes: Buffer) => void this.lines.push(`pong ${bytes.toString('hex')}`);
  onCloseFrame = (code: number, reason: string) => void this.lines.push(`close ${code} ${reason}`);
}

/** Reads `pieces` as a server (masked frames) or a client; the last line is the error's close code, if any. */
function read(
  pieces: (string | Buffer)[],
  {
    masked = false,
    compression = false,
    limits = {},
  }: { masked?: boolean; compression?: boolean; limits?: Partial<ReaderLimits> } = {},
): string[] {
  const log = new Log();
  const reader = new MessageReader(log, { ...LIMITS, ...limits }, { masked, compression });
  try {
    for (const piece of pieces) reader.push(typeof piece === 'string' ? hex(piece) : Buffer.from(piece));
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    log.lines.push(`error ${error.closeCode}`);
  }
  return log.lines;
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function frame(first: number, payload: string | Buffer, masked = false): Buffer {
  const length = Buffer.byteLength(payload);
  const bytes = Buffer.alloc(headerSize(length, masked) + length);
  writeFrame(bytes, 0, first, payload, length, masked);
  return bytes;
}

test("the RFC's own examples are read (RFC 6455 §5.7)", () => {
  assert.deepEqual(read(['81 05 48 65 6c 6c 6f']), ['text Hello']);
  assert.deepEqual(read(['81 85 37 fa 21 3d 7f 9f 4d 51 58'], { masked: true }), ['text Hello']);
  assert.deepEqual(read(['01 03 48 65 6c', '80 02 6c 6f']), ['text Hello']);
  assert.deepEqual(read(['89 05 48 65 6c 6c 6f']), ['ping 48656c6c6f']);
  assert.deepEqual(read(['8a 85 37 fa 21 3d 7f 9f 4d 51 58'], { masked: true }), ['pong 48656c6c6f']);
});

test('a control frame between fragments is reported at once and does not disturb the message', () => {
  assert.deepEqual(read(['01 01 61', '89 01 70', '00 01 62', '8a 00', '80 01 63']), ['ping 70', 'pong ', 'text abc']);
});

const message = fc.record({
  isText: fc.boolean(),
  fragments: fc.array(fc.string({ unit: 'grapheme', maxLength: 150 }), { minLength: 1, maxLength: 5 }),
  pings: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
});

test('the same messages come out however the bytes are split', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 30 }),
      (messages, masked, cuts) => {
        const frames: Buffer[] = [];
        const expected: string[] = [];
        for (const { isText, fragments, pings } of messages) {
          fragments.forEach((fragment, i) => {
            const opcode = i > 0 ? 0 : isText ? 1 : 2;
            frames.push(frame(opcode | (i === fragments.length - 1 ? 0x80 : 0), fragment, masked));
            if (i === fragments.length - 1 || !pings[i]) return;
            frames.push(frame(0x89, 'p', masked));
            expected.push('ping 70');
          });
          const whole = fragments.join('');
          expected.push(isText ? `text ${whole}` : `binary ${Buffer.from(whole).toString('hex')}`);
        }
        const bytes = Buffer.concat(frames);
        const edges = [0, ...cuts.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const pieces = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
        assert.deepEqual(read(pieces, { masked }), expected);
        assert.deepEqual(
          read(
            [...bytes].map((byte) => Buffer.of(byte)),
            { masked },
          ),
          expected,
          'one byte at a time',
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('random and mutated bytes produce nothing but messages and a rejection with a close code', () => {
  const start = fc.constantFrom('81', '01', '80', '82', '88', '89', 'c1', '7f', 'ff').map((text) => hex(text));
  const noise = fc.array(
    fc.oneof(
      start,
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(noise, fc.boolean(), fc.boolean(), (pieces, masked, compression) => {
      const whole = read([Buffer.concat(pieces)], { masked, compression });
      assert.deepEqual(read(pieces, { masked, compression }), whole, 'split or whole, the outcome is the same');
    }),
    { numRuns: 2000 },
  );
});

test('protocol violations are refused with the code of the RFC', () => {
  const cases: [string, string, string, object?][] = [
    ['RSV1 without compression', 'c1 00', 'error 1002'],
    ['RSV2', 'a1 00', 'error 1002'],
    ['RSV1 on a ping', 'c9 00', 'error 1002', { compression: true }],
    ['RSV1 on a continuation', '41 00 c0 00', 'error 1002', { compression: true }],
    ['opcode 3', '83 00', 'error 1002'],
    ['opcode 11', '8b 00', 'error 1002'],
    ['a masked frame from a server', '81 80 00000000', 'error 1002'],
    ['an unmasked frame from a client', '81 00', 'error 1002', { masked: true }],
    ['a continuation of nothing', '80 00', 'error 1002'],
    ['a message within a message', '01 00 81 00', 'error 1002'],
    ['a fragmented ping', '09 00', 'error 1002'],
    ['a ping of 126 bytes', '89 7e 007e', 'error 1002'],
    ['half a close code', '88 01 03', 'error 1002'],
    ['a reserved close code', '88 02 03ed', 'error 1002'],
    ['a close reason that is not UTF-8', '88 03 03e8 ff', 'error 1007'],
    ['text that is not UTF-8', '81 01 ff', 'error 1007'],
    ['text that ends within a character', '81 01 c3', 'error 1007'],
    ['a fragmented text that ends within a character', '01 01 c3 80 00', 'error 1007'],
    ['a 64-bit length of all ones', '82 7f ffffffffffffffff', 'error 1002'],
    ['a 64-bit length over the limit', '82 7f 7fffffffffffffff', 'error 1009'],
    ['a length in 16 bits that fits in 7', '82 7e 007d', 'error 1002'],
    ['a length in 64 bits that fits in 16', '82 7f 000000000000ffff', 'error 1002'],
  ];
  for (const [name, bytes, expected, options] of cases) {
    assert.equal(read([bytes], options).at(-1), expected, name);
    assert.equal(
      read(
        [...hex(bytes)].map((byte) => Buffer.of(byte)),
        options,
      ).at(-1),
      expected,
      `${name}, a byte at a time`,
    );
  }
});

test('invalid UTF-8 fails at its first byte, long before its frame or message is complete', () => {
  assert.deepEqual(read(['01 01 61', '00 7e 0400 ff']), ['error 1007']);
});

test('a character may be split by a fragment, a partial frame, or both', () => {
  assert.deepEqual(read(['01 01 c3', '80 01 b1']), ['text ñ']);
  assert.deepEqual(read(['81 04 f0 9f', '98', '80']), ['text 😀']);
});

test('limits apply to a frame, to a message over its fragments, and to the number of fragments', () => {
  assert.deepEqual(read(['82 03 616263'], { limits: { maxMessage: 2, maxFrame: 99 } }), ['error 1009']);
  assert.deepEqual(read(['02 02 6162', '80 01 63'], { limits: { maxMessage: 2 } }), ['error 1009']);
  assert.deepEqual(read(['82 03 616263'], { limits: { maxFrame: 2 } }), ['error 1009']);
  assert.deepEqual(read(['02 00 00 00 00 00'], { limits: { maxFragments: 2 } }), ['error 1008']);
  assert.deepEqual(read(['02 00 80 00 82 00'], { limits: { maxFragments: 2 } }), ['binary ', 'binary ']);
});

test('a million one-byte fragments use no more memory than their payload', () => {
  const reader = new MessageReader(
    new Log(),
    { ...LIMITS, maxFragments: 2_000_000 },
    { masked: false, compression: false },
  );
  reader.push(hex('02 01 61'));
  const fragment = Buffer.concat(Array.from({ length: 1000 }, () => hex('00 01 61')));
  for (let i = 0; i < 1000; i++) reader.push(Buffer.from(fragment));
  assert.ok(reader.held <= LIMITS.maxMessage, `${reader.held} bytes are held`);
});

test('a frame that announces much and sends little allocates nothing for what it announces', () => {
  const reader = new MessageReader(
    new Log(),
    { ...LIMITS, maxMessage: 1 << 30, maxFrame: 1 << 30 },
    { masked: false, compression: false },
  );
  reader.push(hex('82 7f 0000000040000000 61'));
  assert.ok(reader.held <= 256 * 1024, `${reader.held} bytes are held`);
});

test('a paused reader keeps what arrives and delivers it in order when it resumes', () => {
  const log = new Log();
  const reader = new MessageReader(log, LIMITS, { masked: false, compression: false });
  log.onText = (text) => {
    log.lines.push(`text ${text}`);
    if (text === 'b' || text === 'd') reader.pause();
  };
  reader.push(hex('81 01 61 81 01 62 81 01 63 81'));
  reader.push(hex('01 64 81 01 65'));
  assert.deepEqual(log.lines, ['text a', 'text b']);
  reader.resume();
  assert.deepEqual(log.lines, ['text a', 'text b', 'text c', 'text d']);
  reader.push(hex('81 01 66'));
  reader.resume();
  assert.deepEqual(log.lines.slice(4), ['text e', 'text f']);
});

test('nothing is delivered after a close frame', () => {
  assert.deepEqual(read(['88 02 03e8 81 01 61', '81 01 62']), ['close 1000 ']);
});

test('binary messages are the receiver’s own: the next read does not change them', () => {
  const log = new Log();
  let kept: Buffer = Buffer.alloc(0);
  log.onBinary = (bytes) => {
    kept = bytes;
  };
  const reader = new MessageReader(log, LIMITS, { masked: false, compression: false });
  const shared = hex('82 02 6162');
  reader.push(shared);
  shared.fill(0);
  assert.equal(kept.toString(), 'ab');
});

test('the core imports no socket, no HTTP, no timer', () => {
  const core = new URL('../../../src/websocket/core/', import.meta.url);
  for (const name of readdirSync(core)) {
    const source = readFileSync(new URL(name, core), 'utf8');
    const imports = [...source.matchAll(/from '(node:[^']+)'/g)].map((match) => match[1]!);
    for (const module of imports)
      assert.ok(['node:buffer', 'node:crypto'].includes(module), `${name} imports ${module}`);
    assert.doesNotMatch(source, /\bset(Timeout|Interval|Immediate)\b/, name);
  }
});
