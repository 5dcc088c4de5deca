import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ClientMessage,
  CODES,
  decodeFromClient,
  decodeFromServer,
  encode,
  encodePublication,
  LIMITS,
  mayRetry,
  ProtocolError,
} from '../../src/protocol/index.ts';
import { plain } from '../support/plain.ts';

function only<T>(decoded: T[]): T {
  assert.equal(decoded.length, 1);
  return decoded[0]!;
}

const messageOf = (line: string) => plain(only(decodeFromClient(line)).message);
const faultOf = (line: string) => only(decodeFromClient(line)).fault;

test('every verb of a client is decoded, with defaults for its options', () => {
  const lines: [string, unknown][] = [
    ['["hi",1,{"token":"t","resume":"r"}]', ['hi', 1, { token: 't', resume: 'r' }]],
    ['["hi",1]', ['hi', 1, {}]],
    ['["sub",2,"chat:42",{"at":["e",7],"credit":10}]', ['sub', 2, 'chat:42', { at: ['e', 7], credit: 10 }]],
    ['["sub",2,"chat:*"]', ['sub', 2, 'chat:*', {}]],
    ['["un",3,"chat:*"]', ['un', 3, 'chat:*']],
    [
      '["set",3,"chat:42",{"presence":true,"member":{"a":1}}]',
      ['set', 3, 'chat:42', { presence: true, member: { a: 1 } }],
    ],
    ['["pub",4,"chat:42",null,{"key":"k"}]', ['pub', 4, 'chat:42', null, { key: 'k' }]],
    ['["call",5,"add",[1,2]]', ['call', 5, 'add', [1, 2]]],
    ['["call",5,"add"]', ['call', 5, 'add', null]],
    ['["get",6,"history","chat:42",{"limit":5}]', ['get', 6, 'history', 'chat:42', { limit: 5 }]],
    ['["auth",7,"token"]', ['auth', 7, 'token']],
    ['["more",12,100]', ['more', 12, 100]],
    ['[]', []],
    ['[1]', [1]],
  ];
  for (const [line, message] of lines) assert.deepEqual(messageOf(line), message, line);
});

test('every verb of a server is decoded', () => {
  const lines = [
    '["ok",2,{"ch":7,"epoch":"e","offset":0}]',
    '["err",4,"KEY_REUSED","…"]',
    '["err",0,"RATE_LIMITED","…",250]',
    '["m",7,42,{"text":"hola"}]',
    '["m",7,0,1,{"key":"k","user":"u","time":1}]',
    '["skip",7,43]',
    '["ch",8,"chat:43","e",0]',
    '["+",7,{"id":"a","data":{}}]',
    '["-",7,"a"]',
    '["n",7,12000]',
    '["live",7,44]',
    '["gap",7,{"have":["e",1],"oldest":40,"head":44,"epoch":"f"}]',
    '["end","chat:*","FORBIDDEN"]',
    '["bye","SHUTTING_DOWN",{"after":250,"ticket":"t"}]',
    '["to",{"text":"hola"}]',
    '[]',
    '[1]',
  ];
  const decoded = decodeFromServer(lines.join('\n'));
  assert.deepEqual(
    decoded.map((line) => plain(line.message)),
    lines.map((line) => JSON.parse(line)),
  );
});

test('an invalid message gets a code, with the request number if it is readable', () => {
  const wrong: [string, string, number][] = [
    ['', 'BAD_MESSAGE', 0],
    ['{', 'BAD_MESSAGE', 0],
    ['{"a":1}', 'BAD_MESSAGE', 0],
    ['7', 'BAD_MESSAGE', 0],
    ['[2]', 'UNKNOWN_VERB', 0],
    ['["fly",9]', 'UNKNOWN_VERB', 9],
    ['["m",7,1,2]', 'UNKNOWN_VERB', 7], // a server's verb
    ['["__proto__",3]', 'UNKNOWN_VERB', 3],
    ['["pub"]', 'BAD_MESSAGE', 0],
    ['["pub",0,"a",1]', 'BAD_MESSAGE', 0],
    ['["pub",1.5,"a",1]', 'BAD_MESSAGE', 0],
    ['["pub",2147483648,"a",1]', 'BAD_MESSAGE', 0],
    ['["pub",4,"a"]', 'BAD_MESSAGE', 4],
    ['["pub",4,17,1]', 'BAD_MESSAGE', 4],
    ['["pub",4,"a b",1]', 'BAD_CHANNEL', 4],
    ['["pub",4,"chat:*",1]', 'BAD_CHANNEL', 4],
    ['["sub",4,"chat:**"]', 'BAD_CHANNEL', 4],
    ['["pub",4,"a",1,{"key":""}]', 'BAD_MESSAGE', 4],
    [`["pub",4,"a",1,{"key":"${'k'.repeat(65)}"}]`, 'BAD_MESSAGE', 4],
    ['["pub",4,"a",1,7]', 'BAD_MESSAGE', 4],
    ['["pub",4,"a",1,null]', 'BAD_MESSAGE', 4],
    ['["sub",4,"a",{"at":["e",-1]}]', 'BAD_MESSAGE', 4],
    ['["sub",4,"a",{"at":["e"]}]', 'BAD_MESSAGE', 4],
    ['["sub",4,"a",{"at":[7,1]}]', 'BAD_MESSAGE', 4],
    ['["get",4,"weather","a"]', 'BAD_MESSAGE', 4],
    ['["call",4,""]', 'BAD_MESSAGE', 4],
    ['["auth",4]', 'BAD_MESSAGE', 4],
    ['["more",4,0]', 'BAD_MESSAGE', 0], // its number is a channel's, no request's
    [`["more",4,${LIMITS.credit + 1}]`, 'BAD_MESSAGE', 0],
  ];
  for (const [line, code, id] of wrong) {
    const fault = faultOf(line);
    assert.deepEqual([fault?.code, fault?.id], [code, id], line);
    assert.ok(fault!.message.length < 120, line);
  }
});

test('the message about wrong options names the first one that is wrong, and keeps a token to itself', () => {
  const said = (line: string) => decodeFromClient(line)[0]!.fault?.message;
  assert.equal(
    said('["get",4,"history","a",{"limit":0}]'),
    'the option limit has the wrong type, size or characters: 0',
  );
  assert.equal(said('["pub",4,"a",1,{"echo":true,"event":""}]'), 'the option event has the wrong type, size or characters: ""'); // biome-ignore format: one line
  assert.equal(said('["hi",1,{"token":""}]'), 'the option token has the wrong type, size or characters');
  assert.match(said('["sub",4,"a",7]')!, /^the options of "sub" has the wrong type/);
});

test('unknown members and elements are ignored', () => {
  assert.equal(faultOf('["pub",4,"a",1,{"key":"k","colour":"red"}]'), undefined);
  assert.equal(faultOf('["un",4,"a",{"later":true}]'), undefined);
});

test('a bad line does not affect others, and a newline at the end is allowed', () => {
  const decoded = decodeFromClient('["un",1,"a"]\nnonsense\n\n["un",2,"a"]\n');
  assert.deepEqual(
    decoded.map((line) => line.message?.[1] ?? line.fault?.code),
    [1, 'BAD_MESSAGE', 'BAD_MESSAGE', 2],
  );
});

test('a client frame with too many lines is read up to the limit, and a server frame completely', () => {
  const frame = Array(LIMITS.lines + 5)
    .fill('[]')
    .join('\n');
  const decoded = decodeFromClient(frame);
  assert.equal(decoded.length, LIMITS.lines + 1);
  assert.equal(decoded.at(-1)?.fault?.code, 'BAD_MESSAGE');
  assert.equal(decodeFromServer(frame).length, LIMITS.lines + 5);
});

test('nesting beyond the limit is refused, and a million brackets do no harm', () => {
  const nested = (depth: number) => `["pub",4,"a",${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}]`;
  assert.equal(faultOf(nested(LIMITS.depth)), undefined);
  assert.equal(faultOf(nested(LIMITS.depth + 1))?.code, 'BAD_MESSAGE');
  assert.equal(faultOf(nested(1_000_000))?.code, 'BAD_MESSAGE');
  assert.equal(faultOf(`["${'x'.repeat(1_000_000)}"]`)?.code, 'UNKNOWN_VERB');
});

test('a publication is one text for all receivers, and decodes to its parts', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.json(), fc.string(), (ch, offset, data, user) => {
      const bare = only(decodeFromServer(encodePublication(ch, offset, data)));
      assert.deepEqual(plain(bare.message), JSON.parse(`["m",${ch},${offset},${data}]`));
      const meta = JSON.stringify({ user });
      const full = only(decodeFromServer(encodePublication(ch, offset, data, meta)));
      assert.deepEqual(plain(full.message), JSON.parse(`["m",${ch},${offset},${data},${meta}]`));
    }),
  );
});

test('everything encoded is one line and decodes to the same', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const data = JSON.parse(JSON.stringify(value));
      const message: ClientMessage = ['pub', 1, 'a', data, {}];
      assert.deepEqual(messageOf(encode(message)), message);
    }),
  );
});

test('no text makes the decoder throw', () => {
  const lines = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.array(fc.jsonValue()).map((a) => JSON.stringify(a)),
  );
  const verbs = fc.constantFrom('hi', 'sub', 'un', 'set', 'pub', 'call', 'get', 'auth', 'more', 'm', 'gap', '+', 'bye');
  const near = fc
    .tuple(verbs, fc.array(fc.jsonValue(), { maxLength: 5 }))
    .map(([v, rest]) => JSON.stringify([v, ...rest]));
  fc.assert(
    fc.property(fc.oneof(lines, near), (line) => {
      for (const decode of [decodeFromClient, decodeFromServer]) {
        for (const { fault } of decode(line)) assert.ok(!fault || Object.hasOwn(CODES, fault.code));
      }
    }),
    { numRuns: 2000 },
  );
});

test('the table says which requests may be repeated; those with unknown codes may not', () => {
  assert.equal(mayRetry('RATE_LIMITED'), true);
  assert.equal(mayRetry('FORBIDDEN'), false);
  assert.equal(mayRetry('toString'), false);
  const error = new ProtocolError('RATE_LIMITED', 'too fast', 250);
  assert.deepEqual([error.code, error.retryAfter, error.name], ['RATE_LIMITED', 250, 'ProtocolError']);
});
