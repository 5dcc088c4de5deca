import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ZocaloError } from '../../../src/errors.ts';
import { JsonText } from '../../../src/protocol/index.ts';
import { type DecodeDescription, decoderOf, textReader } from '../../../src/sources/decoding/index.ts';

function decode(description: DecodeDescription, frame: string | Buffer) {
  const decoded = decoderOf(description)(Buffer.from(frame as string, 'latin1'));
  return decoded instanceof ZocaloError ? `${decoded.code}: ${decoded.happened}` : decoded;
}

test('text is read in the encoding that the device uses', () => {
  const texts: [string | undefined, string, string][] = [
    [undefined, '6164c3b373', 'adós'],
    ['ascii', '6f6b', 'ok'],
    ['latin1', 'd1', 'Ñ'],
    ['cp437', 'a5209ee1', 'Ñ ₧ß'],
    ['cp850', 'a5b5', 'ÑÁ'],
    ['windows-1252', '80', '€'],
    ['utf-16le', '7a00f300', 'zó'],
    ['utf-16be', '007a00f3', 'zó'],
    ['shift_jis', '83588350', 'スケ'],
  ];
  for (const [encoding, hex, text] of texts)
    assert.equal(decode({ kind: 'text', ...(encoding && { encoding }) }, Buffer.from(hex, 'hex')), text, encoding);
});

test('every byte has its character in the code pages of DOS', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  for (const page of ['cp437', 'cp850', 'latin1']) {
    const text = textReader(page)(all)!;
    assert.equal(new Set(text).size, 256, page);
    assert.equal(text.length, 256, page);
  }
});

test('bytes in the wrong encoding are not decoded', () => {
  const wrong: [string, string][] = [
    ['utf-8', 'ff'],
    ['utf-8', 'c3'],
    ['ascii', '80'],
    ['utf-16le', '610062'],
    ['utf-16le', '00d8'],
  ];
  for (const [encoding, hex] of wrong) {
    const frame = Buffer.from(hex, 'hex');
    const sentence = `FRAME_NOT_DECODED: a frame of ${frame.length} bytes is not ${encoding}`;
    assert.equal(decode({ kind: 'text', encoding }, frame), sentence);
  }
});

test('JSON is passed on as the text that came, with long numbers as they were', () => {
  const decoded = decode({ kind: 'json' }, '{ "id": 12345678901234567890 }');
  assert.ok(decoded instanceof JsonText);
  assert.equal(decoded.text, '{"id":12345678901234567890}');
  assert.match(String(decode({ kind: 'json' }, '{"id":')), /^FRAME_NOT_DECODED: a frame of 6 bytes is not JSON/);
});

test('an expression gives an object with its groups and their types', () => {
  const scale: DecodeDescription = {
    kind: 'expression',
    pattern: '^(?<state>S [SD]) +(?<kg>-? *[\\d.]+) kg(?: (?<count>\\d+))?(?: x(?<raw>\\w+))?$',
    types: { kg: 'number', count: 'integer', raw: 'hex' },
  };
  assert.deepEqual(decode(scale, 'S S   12.340 kg'), { state: 'S S', kg: 12.34, count: null, raw: null });
  assert.deepEqual(decode(scale, 'S D -1.5 kg 42 xFF'), { state: 'S D', kg: -1.5, count: 42, raw: 255 });
  assert.deepEqual(decode(scale, 'S S 1 kg 9007199254740993'), {
    state: 'S S',
    kg: 1,
    count: '9007199254740993',
    raw: null,
  });
  assert.equal(decode(scale, 'S S 1.2.3 kg'), 'FRAME_NOT_DECODED: "1.2.3" is not a number for kg');
  assert.match(String(decode(scale, 'EL')), /^FRAME_NOT_DECODED: "EL" does not match/);
});

test('binary fields are read where they stand, from either end', () => {
  const frame = Buffer.from('a5000000fe07ff9c3f800000403f00010203616263200012', 'hex');
  const fields = {
    device: 'u32be@1',
    command: 'u8@5',
    temperature: 'i16be/10@6',
    one: 'f32be@8',
    low: 'u16le@12',
    three: 'u24be@15',
    name: 'ascii(5)@18',
    rest: 'hex(*)@-3',
    last: 'i8 @ -1',
    doubled: 'u8*2@5',
  };
  assert.deepEqual(decode({ kind: 'fields', fields }, frame), {
    device: 254,
    command: 7,
    temperature: -10,
    one: 1,
    low: 0x3f40,
    three: 0x010203,
    name: 'abc',
    rest: '200012',
    last: 18,
    doubled: 14,
  });
});

test('numbers that JSON cannot say have a stated form', () => {
  const fields = { big: 'u64be@0', small: 'i64be@8', nan: 'f64be@16', infinite: 'f32le@24', safe: 'u64be@28' };
  const frame = Buffer.from('ffffffffffffffff80000000000000007ff80000000000000000807f001fffffffffffff', 'hex');
  assert.deepEqual(decode({ kind: 'fields', fields }, frame), {
    big: '18446744073709551615',
    small: '-9223372036854775808',
    nan: null,
    infinite: null,
    safe: Number.MAX_SAFE_INTEGER,
  });
});

test('packed digits and times become text', () => {
  const frame = Buffer.from('0103563140414198' + '12345f' + '0b031d0e3b2a' + '260821104207' + '00015180', 'hex');
  const fields = {
    imei: 'bcd(8)@0',
    padded: 'bcd(3)@8',
    at: 'date6@11',
    packed: 'date6bcd@17',
    next: 'time32be(2000-01-02)@23',
  };
  assert.deepEqual(decode({ kind: 'fields', fields }, frame), {
    imei: '0103563140414198',
    padded: '12345',
    at: '2011-03-29T14:59:42',
    packed: '2026-08-21T10:42:07',
    next: '2000-01-03T00:00:00',
  });
});

test('fields outside of the frame or of another form are not decoded', () => {
  const failures: [string, string, string][] = [
    ['u16be@1', '0102', 'the field u16be@1 lies outside of a frame of 2 bytes'],
    ['u8@-3', '0102', 'the field u8@-3 lies outside of a frame of 2 bytes'],
    ['hex(*)@3', '0102', 'the field hex(*)@3 lies outside of a frame of 2 bytes'],
    ['bcd(1)@0', 'a1', 'the bytes of the field bcd(1)@0 have another form'],
    ['ascii(1)@0', '80', 'the bytes of the field ascii(1)@0 have another form'],
    ['date6@0', '1a021f000000', 'the bytes of the field date6@0 have another form'],
    ['date6@0', '000000000000', 'the bytes of the field date6@0 have another form'],
  ];
  for (const [field, hex, happened] of failures)
    assert.equal(
      decode({ kind: 'fields', fields: { field } }, Buffer.from(hex, 'hex')),
      `FRAME_NOT_DECODED: ${happened}`,
    );
});

test('no bytes make a decoder throw', () => {
  const decoders = [
    decoderOf({ kind: 'text' }),
    decoderOf({ kind: 'json' }),
    decoderOf({ kind: 'hex' }),
    decoderOf({ kind: 'expression', pattern: '(?<n>\\d*)', types: { n: 'integer' } }),
    decoderOf({
      kind: 'fields',
      fields: { a: 'i40le@3', b: 'f64le@-9', c: 'date6bcd@1', d: 'bcd(*)@2', e: 'utf8(*)@4' },
    }),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      for (const decoder of decoders) {
        const decoded = decoder(Buffer.from(bytes));
        if (!(decoded instanceof ZocaloError)) assert.doesNotThrow(() => JSON.parse(JsonText.of(decoded).text));
      }
    }),
  );
});

test('a description that cannot work is refused', () => {
  const bad: DecodeDescription[] = [
    { kind: 'text', encoding: 'klingon' },
    { kind: 'expression', pattern: '(' },
    { kind: 'expression', pattern: '(\\d+)' },
    { kind: 'expression', pattern: '(?<a>.)', types: { b: 'number' } },
    ...['u16@4', 'u7be@0', 'f16be@0', 'u16be', 'ascii@3', 'time32be(2000-13-01)@0', 'x'].map(
      (field): DecodeDescription => ({ kind: 'fields', fields: { field } }),
    ),
  ];
  for (const description of bad) assert.throws(() => decoderOf(description), { code: 'BAD_OPTION' });
});
