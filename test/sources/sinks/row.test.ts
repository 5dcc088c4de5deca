import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZocaloError } from '../../../src/errors.ts';
import { JsonText } from '../../../src/protocol/index.ts';
import { rowTemplate } from '../../../src/sources/sinks/index.ts';
import { valueFor } from '../../../src/sources/sinks/values.ts';

const TIME = 1_700_000_000_123;
const published = (data: string, meta: string | null = null) => ({
  place: 1,
  channel: 'door:7',
  offset: 3,
  time: TIME,
  data,
  meta,
});

test('a column that is one field has its value with its type, and what is known of the publication cannot be pretended', () => {
  const row = rowTemplate({
    badge: '{badge}',
    at: '{time}',
    of: '{data.time}',
    who: '{user}',
    where: '{channel} of {site.name}',
    note: '{note?}',
    constant: 7,
  });
  const data = '{"badge":17,"time":"then","user":"admin","channel":"x","site":{"name":"home"}}';
  assert.deepEqual(row(published(data, '{"key":"k","user":"ana"}')), [
    17,
    TIME,
    'then',
    'ana',
    'door:7 of home',
    null,
    7,
  ]);
  assert.deepEqual(rowTemplate({ who: '{user}', n: '{offset}' })(published('1')), [null, 3]);
});

test('a field that is missing is an error that names the column, unless it may be', () => {
  const error = rowTemplate({ badge: '{bagde}' })(published('{"badge":1}'));
  assert.ok(error instanceof ZocaloError);
  assert.equal(error.code, 'SINK_ROW_REFUSED');
  assert.match(error.message, /column badge .* no field bagde/);
  assert.throws(() => rowTemplate({ badge: '{badge' }), { code: 'BAD_OPTION' });
});

test('the data as a whole is the text that was published, and long numbers keep their digits', () => {
  const text = '{"id":12345678901234567890,"list":[0.12345678901234567]}';
  const [data, id] = rowTemplate({ data: '{data}', id: '{id}' })(published(text)) as [JsonText, string];
  assert.equal(data.text, text);
  assert.equal(id, '12345678901234567890');
  assert.deepEqual(rowTemplate({ data: '{data}' })(published('"hola"')), ['hola']);
  assert.deepEqual(rowTemplate({ data: '{data}' })(published('null')), [null]);
});

test('values take the form that the type of their column needs', () => {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString();
  const at = '2023-11-14T22:13:20.123Z';
  for (const [type, value, expected] of [
    ['varchar', 5, 5],
    ['varchar', true, 'true'],
    ['int4', true, 1],
    ['', false, 0],
    ['datetime', TIME, at],
    ['timestamptz', '2023-11-14T23:13:20.123+01:00', at],
    ['datetime', '2023-11-14 22:13:20', '2023-11-14 22:13:20'],
    ['datetime', 1e99, 1e99],
    ['bigint', TIME, TIME],
    ['jsonb', 'text', '"text"'],
    ['json', null, null],
    ['text', { a: [1] }, '{"a":[1]}'],
    ['json', JsonText.written('{"a":1e400}'), '{"a":1e400}'],
  ] as const)
    assert.equal(valueFor(type, value, time), expected, `${type} ${JSON.stringify(value)}`);
});
