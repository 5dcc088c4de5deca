import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseChatRequest } from '../../src/server/chat-request.ts';
import { NAME_LIMIT, REMEMBERED, Room, TEXT_LIMIT, tidyName } from '../../src/server/room.ts';

const ANA = 'session-of-ana-0';
const LUIS = 'session-of-luis0';

function said(room: Room<string>, connection: string, text: string, key: string) {
  const outcome = room.say(connection, text, key, 1000);
  assert.ok('said' in outcome);
  return outcome;
}

test('an empty or invisible name becomes Guest, a long one is cut, a name is one line', () => {
  assert.equal(tidyName(''), 'Guest');
  assert.equal(tidyName(' \t\u200b\u202e\u2066 '), 'Guest');
  assert.equal(tidyName('\u200d'), 'Guest');
  assert.equal(tidyName('  Ana \n María '), 'Ana María');
  assert.equal(tidyName('Ana\u202enaM'), 'AnanaM');
  assert.equal(tidyName('👩\u200d🔧'), '👩\u200d🔧');
  assert.equal(tidyName('x'.repeat(100)), 'x'.repeat(NAME_LIMIT));
});

test('any text at all makes a name that is short, visible and stays what it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const name = tidyName(text);
      assert.ok(name.length > 0 && [...name].length <= NAME_LIMIT);
      assert.doesNotMatch(name, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      assert.equal(tidyName(name), name);
    }),
  );
});

test('names that readers would take for each other get a number', () => {
  const room = new Room<string>('r');
  const names = ['Ana', 'ana', 'ＡＮＡ', 'x'.repeat(NAME_LIMIT), 'x'.repeat(NAME_LIMIT)].map(
    (name, index) => room.join(`connection ${index}`, name, `a session of its own ${index}`).person.name,
  );
  assert.deepEqual(names, ['Ana', 'ana 2', 'ＡＮＡ 3', 'x'.repeat(NAME_LIMIT), `${'x'.repeat(NAME_LIMIT - 2)} 2`]);
  room.leave('connection 0');
  assert.equal(room.join('later', 'Ana', 'another session').person.name, 'Ana');
});

test('who comes back before the old connection was missed keeps their place', () => {
  const room = new Room<string>('r');
  const { person } = room.join('old', 'Ana', ANA);
  assert.deepEqual(room.join('new', 'Ana', ANA), { person, replaced: 'old' });
  assert.deepEqual(room.people, [person]);
  assert.equal(room.leave('old'), undefined);
  assert.deepEqual(room.leave('new'), person);
});

test('only who is in the room may speak, with something to say that is not too long', () => {
  const room = new Room<string>('r');
  assert.deepEqual(room.say('ana', 'hello', 'k', 0), { refused: 'not-in-the-room' });
  room.join('ana', 'Ana', ANA);
  assert.deepEqual(room.say('ana', ' \n\t ', 'k', 0), { refused: 'empty-text' });
  assert.deepEqual(room.say('ana', 'x'.repeat(TEXT_LIMIT + 1), 'k', 0), { refused: 'text-too-long' });
  assert.equal(said(room, 'ana', 'x'.repeat(TEXT_LIMIT), 'k').said.text.length, TEXT_LIMIT);
});

test('messages are numbered, keep their lines, and lose the blank ones around', () => {
  const room = new Room<string>('r');
  room.join('ana', 'Ana', ANA);
  assert.equal(said(room, 'ana', '\n  one\r\n\r\ntwo \n', 'a').said.text, '  one\n\ntwo');
  assert.equal(said(room, 'ana', '<b>\ud800</b>', 'b').said.text, '<b>\ufffd</b>');
  assert.deepEqual(
    room.since(undefined, LUIS).messages.map(({ number }) => number),
    [1, 2],
  );
});

test('a message repeated under its key is the same message; under somebody else’s name it is not', () => {
  const room = new Room<string>('r');
  room.join('ana', 'Ana', ANA);
  room.join('luis', 'Luis', LUIS);
  const first = said(room, 'ana', 'hello', 'k');
  assert.deepEqual(said(room, 'ana', 'hello', 'k'), { said: first.said, repeated: true });
  assert.equal(said(room, 'luis', 'hello', 'k').repeated, false);
});

test('who comes back gets what they missed, with their own keys alone', () => {
  const room = new Room<string>('r');
  room.join('ana', 'Ana', ANA);
  room.join('luis', 'Luis', LUIS);
  for (const [who, key] of [
    ['ana', 'a1'],
    ['luis', 'l1'],
    ['ana', 'a2'],
  ] as const)
    said(room, who, 'text', key);
  const { messages, gap } = room.since({ room: 'r', number: 1 }, ANA);
  assert.deepEqual(
    messages.map(({ number, key }) => [number, key]),
    [
      [2, undefined],
      [3, 'a2'],
    ],
  );
  assert.equal(gap, false);
  assert.equal(JSON.stringify(room.since(undefined, LUIS)).includes(ANA), false);
});

test('no more than the last messages are remembered, and who missed more is told so', () => {
  const room = new Room<string>('r');
  room.join('ana', 'Ana', ANA);
  for (let count = 1; count <= REMEMBERED + 10; count++) said(room, 'ana', 'text', `key ${count}`);
  assert.equal(room.since(undefined, LUIS).messages.length, REMEMBERED);
  assert.equal(room.since(undefined, LUIS).gap, false);
  assert.equal(room.since({ room: 'r', number: 10 }, ANA).gap, false);
  assert.equal(room.since({ room: 'r', number: 9 }, ANA).gap, true);
  assert.deepEqual(room.since({ room: 'another run', number: 9 }, ANA), room.since(undefined, ANA));
});

test('what no page sends is no request', () => {
  const wrong = [
    '',
    '{',
    'null',
    '[]',
    '"join"',
    '{}',
    '{"kind":"dance"}',
    '{"kind":"join","name":"Ana"}',
    '{"kind":"join","name":7,"session":"0123456789abcdef"}',
    '{"kind":"join","name":"Ana","session":"short"}',
    '{"kind":"say","text":"hello"}',
    '{"kind":"say","text":"hello","key":""}',
    '{"kind":"say","text":["hello"],"key":"k"}',
    `{"kind":"say","text":"hello","key":"${'k'.repeat(65)}"}`,
    new Uint8Array([1, 2, 3]),
  ];
  for (const message of wrong) assert.equal(parseChatRequest(message), undefined, String(message));
});

test('what a page sends is read, and nothing more of it than is known', () => {
  const join = { kind: 'join', name: 'Ana', session: ANA, seen: { room: 'r', number: 3 } };
  assert.deepEqual(parseChatRequest(JSON.stringify({ ...join, admin: true })), join);
  assert.deepEqual(parseChatRequest(JSON.stringify({ ...join, seen: 'everything' })), {
    kind: 'join',
    name: 'Ana',
    session: ANA,
  });
  assert.deepEqual(parseChatRequest('{"kind":"ping"}'), { kind: 'ping' });
});

test('no JSON makes the reader throw', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      parseChatRequest(text);
    }),
  );
});
