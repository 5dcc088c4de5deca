import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  freeName,
  NAME_LIMIT,
  readChatData,
  readChatMember,
  tidyName,
  tidyText,
} from '../../src/server/chat/message.ts';
import { pathTo, roomOf, titleOf } from '../../web/room.ts';

test('an empty or invisible name becomes Guest, a long one is cut, a name is one line', () => {
  assert.equal(tidyName(''), 'Guest');
  assert.equal(tidyName(undefined), 'Guest');
  assert.equal(tidyName(' \t\u200b\u202e\u2066 '), 'Guest');
  assert.equal(tidyName('\u200d'), 'Guest');
  assert.equal(tidyName('  Ana \n María '), 'Ana María');
  assert.equal(tidyName('Ana\u202enaM'), 'AnanaM');
  assert.equal(tidyName('👩\u200d🔧'), '👩\u200d🔧');
  assert.equal(tidyName('x'.repeat(100)), 'x'.repeat(NAME_LIMIT));
});

test('any text makes a name that is short, visible and stable', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const name = tidyName(text);
      assert.ok(name.length > 0 && [...name].length <= NAME_LIMIT);
      assert.doesNotMatch(name, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      assert.equal(tidyName(name), name);
    }),
  );
});

test('names that look alike to readers get a number', () => {
  assert.equal(freeName('Ana', ['Luis']), 'Ana');
  assert.equal(freeName('ana', ['Ana']), 'ana 2');
  assert.equal(freeName('ＡＮＡ', ['Ana', 'ana 2']), 'ＡＮＡ 3');
  const long = 'x'.repeat(NAME_LIMIT);
  assert.equal(freeName(long, [long]), `${'x'.repeat(NAME_LIMIT - 2)} 2`);
});

test('a text keeps its lines and tabs, and loses other control characters and surrounding blank lines', () => {
  assert.equal(tidyText('\n  one\r\n\r\n\ttwo \n'), '  one\n\n\ttwo');
  assert.equal(tidyText('\u001b[31mred\u0007'), '[31mred');
  assert.equal(tidyText('<b>\ud800</b>'), '<b>\ufffd</b>');
  assert.equal(tidyText(' \n\t '), '');
});

test('any data published to a room is read as a message or a typing notice, or ignored', () => {
  assert.deepEqual(readChatData({ text: ' hola ', name: 'Ana', person: 'p', admin: true }), {
    text: ' hola',
    name: 'Ana',
    person: 'p',
  });
  assert.deepEqual(readChatData('hola'), { text: 'hola', name: 'Guest' });
  assert.deepEqual(readChatData({ typing: true, name: 'Ana', person: 'p' }), {
    typing: true,
    name: 'Ana',
    person: 'p',
  });
  for (const data of [null, 7, [], {}, { text: 7 }, { text: '  ' }, { typing: 'yes' }, ''])
    assert.equal(readChatData(data), undefined, JSON.stringify(data));
  assert.deepEqual(readChatMember('c1', null), { name: 'Guest', person: 'c1' });
});

test('no JSON makes the reader throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (data) => {
      readChatData(data);
      readChatMember('c', data);
    }),
  );
});

test('a room is found by its name or address, in any script', () => {
  assert.equal(roomOf('/'), 'chat:square');
  assert.equal(roomOf('/chat:tacos'), 'chat:tacos');
  assert.equal(pathTo(' tacos '), '/chat:tacos');
  assert.equal(pathTo('chat:tacos'), '/chat:tacos');
  assert.equal(pathTo('café al ☀'), '/chat:caf%C3%A9%20al%20%E2%98%80');
  assert.equal(pathTo('http://localhost:9000/chat:caf%C3%A9?x#y'), '/chat:caf%C3%A9');
  assert.equal(pathTo('http://localhost:9000/'), '/chat:square');
  assert.equal(pathTo('../?#*'), '/chat:..%2F%3F%23%2A');
  for (const typed of ['', '  ', 'chat:', 'http://localhost:9000/news', 'ñ'.repeat(60)])
    assert.equal(pathTo(typed), undefined);
  assert.equal(titleOf('chat:caf%C3%A9%20al%20%E2%98%80'), 'café al ☀');
  assert.equal(titleOf('chat:100%'), '100%');
  assert.equal(titleOf('chat:%E2%80%AEabc'), 'abc');
});
