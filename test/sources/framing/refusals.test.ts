import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ZocaloError } from '../../../src/errors.ts';
import { type FrameDescription, framerFactory } from '../../../src/sources/framing/index.ts';

function framesOf(description: FrameDescription, ...chunks: (string | Buffer)[]) {
  const errors: ZocaloError[] = [];
  const framer = framerFactory(description)({ report: (error) => errors.push(error) });
  const frames: string[] = [];
  for (const chunk of chunks) {
    framer.append(Buffer.from(chunk as string, 'latin1'));
    for (let frame = framer.take(); frame; frame = framer.take()) frames.push(frame.toString('latin1'));
  }
  return { framer, frames, codes: errors.map(({ code }) => code), errors };
}

const fourBytes: FrameDescription = { kind: 'length', width: 4, strip: { start: 4, end: 0 } };

test('a length field of 4 GB is refused at once with a code, and the next frame is found', () => {
  const { frames, codes, errors, framer } = framesOf(fourBytes, '\xff\xff\xff\xff', '\0\0\0\x02hi');
  assert.deepEqual(codes, ['FRAME_TOO_LONG']);
  assert.equal(errors[0]!.happened, 'a frame has 4294967299 bytes; at most 65536 are taken');
  assert.deepEqual(frames, ['hi']);
  assert.equal(framer.skipped, 4);
});

test('a length that is less than its own head begins no frame', () => {
  const counted: FrameDescription = { kind: 'length', width: 2, adjust: -2, strip: { start: 2, end: 0 } };
  assert.deepEqual(framesOf(counted, '\0\0\0\x05abc').frames, ['abc']);
});

const checked: FrameDescription = {
  kind: 'length',
  start: 'S',
  width: 1,
  adjust: 1,
  check: 'xor',
  strip: { start: 2, end: 1 },
};

test('a frame whose beginning was garbage is looked through again for the right one', () => {
  // The S in the garbage announces 3 bytes, within which the right frame begins.
  const { encode } = { encode: framesOf(checked).framer };
  const right = encode.encode(Buffer.from('yes')).toString('latin1');
  const { frames, codes, framer } = framesOf(checked, `S\x03${right}`);
  assert.deepEqual([frames, codes, framer.skipped], [['yes'], ['FRAME_DAMAGED'], 2]);
});

test('a wrong checksum costs one frame and is reported', () => {
  const { framer } = framesOf(checked);
  const [one, two] = [framer.encode(Buffer.from('one')), framer.encode(Buffer.from('two'))];
  one[3] = 0;
  const { frames, codes, framer: read } = framesOf(checked, one, two);
  assert.deepEqual([frames, codes, read.skipped], [['two'], ['FRAME_DAMAGED'], one.length]);
});

test('a stream of nothing but beginnings costs no more than a few looks at each byte', () => {
  // Each S announces 255 bytes with a wrong checksum: looked through again each time, that would be 255 looks a byte.
  const length = 400_000;
  const bytes = Buffer.alloc(length, 'S\xff', 'latin1');
  const started = process.cpuUsage();
  const { framer } = framesOf({ ...checked, limit: 300 }, bytes);
  const { user } = process.cpuUsage(started);
  assert.ok(framer.skipped > length - 300);
  assert.ok(user / length < 1, `${user / length} µs for each byte`);
});

test('a cut frame is given up when the next one starts', () => {
  const { frames, framer } = framesOf({ kind: 'enclosed', start: '\x02', end: '\x03' }, '\x0212.', '\x0234\x03');
  assert.deepEqual([frames, framer.skipped], [['34'], 4]);
});

test('one flag ends a frame and starts the next', () => {
  const { frames, framer } = framesOf({ kind: 'enclosed', start: '~', end: '~' }, 'noise~one~two~~~three~');
  assert.deepEqual([frames, framer.skipped], [['one', 'two', 'three'], 5]);
});

test('the last line may end with the stream, but nothing else may', () => {
  const lines = framesOf({ kind: 'lines' }, 'one\r\ntwo').framer;
  assert.equal(lines.end()?.toString(), 'two');
  assert.equal(lines.end(), undefined);
  assert.equal(framesOf({ kind: 'delimiter', delimiter: '#' }, 'one#two').framer.end(), undefined);
});

test('a beginning in garbage that holds back what follows is given up after a silence', () => {
  const { framer } = framesOf(checked);
  framer.append(
    Buffer.concat([Buffer.from('S\x60'), framer.encode(Buffer.from('one')), framer.encode(Buffer.from('two'))]),
  );
  assert.equal(framer.take(), undefined);
  framer.giveUp();
  assert.deepEqual([framer.take()?.toString(), framer.take()?.toString(), framer.take()], ['one', 'two', undefined]);
  assert.deepEqual([framer.skipped, framer.pending], [2, 0]);
  framer.giveUp();
  assert.equal(framer.skipped, 2);
});

test('empty frames are passed over, as keep-alives are', () => {
  assert.deepEqual(framesOf({ kind: 'lines' }, '\r\n\n\nx\n\n').frames, ['x']);
  assert.deepEqual(framesOf({ kind: 'delimiter', delimiter: ['#', ';'] }, '#;a;#b#').frames, ['a', 'b']);
});

test('a payload that would be read as something else is not sent', () => {
  const refused: [FrameDescription, string][] = [
    [{ kind: 'lines' }, 'two\nlines'],
    [{ kind: 'delimiter', delimiter: '##' }, 'a#'],
    [{ kind: 'enclosed', start: '\x02', end: '\x03' }, 'a\x03b'],
    [{ kind: 'enclosed', start: '\x02', end: '\x03' }, 'a\x02b'],
    [{ kind: 'fixed', length: 4 }, 'abc'],
    [{ kind: 'length', width: 1, strip: { start: 1, end: 0 } }, 'x'.repeat(256)],
    [{ kind: 'length', width: 4 }, 'x'],
  ];
  for (const [description, payload] of refused)
    assert.throws(() => framesOf(description).framer.encode(Buffer.from(payload)), { code: 'FRAME_NOT_ENCODED' });
});

test('a description that cannot work is refused', () => {
  const bad: FrameDescription[] = [
    { kind: 'delimiter', delimiter: '' },
    { kind: 'delimiter', delimiter: [] },
    { kind: 'delimiter', delimiter: '€' },
    { kind: 'delimiter', delimiter: { hex: '7' } },
    { kind: 'fixed', length: 0 },
    { kind: 'fixed', length: 70_000 },
    { kind: 'enclosed', start: ['$', '$$'], end: '#' },
    { kind: 'enclosed', start: 'ab', end: 'c', escape: { byte: 'd' } },
    { kind: 'enclosed', start: 'a', end: 'b', escape: { byte: 'de' } },
    { kind: 'enclosed', start: '~', end: '~', after: 1 },
  ];
  for (const description of bad) assert.throws(() => framerFactory(description), { code: 'BAD_OPTION' });
});

test('a few bytes that wait do not keep the chunk that they came in', () => {
  const { framer } = framesOf({ kind: 'lines' }, Buffer.concat([Buffer.alloc(1 << 20, '\n'), Buffer.from('half')]));
  assert.equal(framer.pending, 4);
  framer.append(Buffer.from(' a line\n'));
  assert.equal(framer.take()?.toString(), 'half a line');
});
