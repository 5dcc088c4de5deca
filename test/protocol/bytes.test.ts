import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonText, parseJson } from '../../src/protocol/index.ts';

test('bytes anywhere in data come back as the same bytes, and the rest as before', () => {
  const data = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.uint8Array({ maxLength: 40 }),
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 4 }), tie('node'), { maxKeys: 3 }),
    ),
  })).node;
  fc.assert(
    fc.property(data, (value) => {
      const { text } = JsonText.of(value);
      // Written and read again, nothing changes any more: -0 is 0 in JSON, and a null prototype is none.
      assert.equal(JsonText.of(parseJson(text)).text, text);
      assert.equal(JsonText.of(JsonText.parse(text).value).text, text);
      if (value instanceof Uint8Array) assert.deepEqual(parseJson(text), value);
    }),
  );
});

test('a kilobyte, a megabyte and no byte at all are written as base64', () => {
  for (const length of [0, 1, 2, 3, 1_024, 1 << 20]) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 7);
    const { text } = JsonText.of(bytes);
    assert.equal(text, `{"$bytes":"${Buffer.from(bytes).toString('base64')}"}`);
    assert.deepEqual(JsonText.parse(text).value, bytes);
  }
  assert.equal(JsonText.of(Buffer.from('hola')).text, '{"$bytes":"aG9sYQ=="}');
  assert.equal(JsonText.of({ photo: Buffer.from('hola'), n: [1] }).text, '{"photo":{"$bytes":"aG9sYQ=="},"n":[1]}');
});

test('what only looks like bytes stays what was sent', () => {
  for (const text of [
    '{"$bytes":"not base64!"}',
    '{"$bytes":1}',
    '{"$bytes":null}',
    '{"$bytes":"aG9sYQ==","more":1}',
    '"{\\"$bytes\\":\\"aG9sYQ==\\"}"',
    '["$bytes"]',
  ])
    assert.deepEqual(parseJson(text), JSON.parse(text), text);
});

test('bytes within other JSON stay in the form that the protocol has', () => {
  const data = JsonText.parse('{"$bytes":"aG9sYQ=="}');
  assert.deepEqual(data.value, Uint8Array.from(Buffer.from('hola')));
  assert.equal(JSON.stringify({ data }), '{"data":{"$bytes":"aG9sYQ=="}}');
  class Own {
    toJSON() {
      return 'own';
    }
  }
  assert.equal(JsonText.of({ own: new Own(), at: new Date(0) }).text, '{"own":"own","at":"1970-01-01T00:00:00.000Z"}');
});
