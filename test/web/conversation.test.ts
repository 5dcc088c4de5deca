import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conversation, type Status } from '../../web/conversation.ts';
import { languageFor, wordsFor } from '../../web/words.ts';
import { FakeSocket } from '../client/fake-socket.ts';
import { FakeClock } from '../support/fake-clock.ts';

const ME = { id: 1, name: 'Ana' };
const LUIS = { id: 2, name: 'Luis' };
const WELCOME = { kind: 'welcome', you: ME, people: [ME], messages: [], gap: false, room: 'r' };

function setUp() {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const statuses: Status[] = [];
  const heard: string[] = [];
  const notices: string[] = [];
  let people: string[] = [];
  let pending: string[] = [];
  let secrets = 0;
  const conversation = new Conversation({
    connect() {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    timers: clock,
    random: () => 0.5,
    secret: () => `secret number ${++secrets}`,
    listener: {
      onStatus: (status) => statuses.push(status),
      onSaid: ({ author, text }, mine) => heard.push(`${mine ? 'me' : author.name}: ${text}`),
      onNotice: (notice) => notices.push('name' in notice ? `${notice.kind} ${notice.name}` : notice.kind),
      onPeople(here) {
        people = here.map(({ name }) => name);
      },
      onPending(waiting) {
        pending = waiting.map(({ text }) => text);
      },
    },
  });
  const socket = () => sockets.at(-1) as FakeSocket;
  const sent = () => socket().sent.map((text) => JSON.parse(text));
  function comeIn(welcome: object = WELCOME) {
    socket().accept();
    socket().tell(welcome);
  }
  return {
    clock,
    conversation,
    statuses,
    heard,
    notices,
    people: () => people,
    pending: () => pending,
    socket,
    sent,
    comeIn,
  };
}

test('it joins when the connection opens, and is in when the server welcomes it', () => {
  const { conversation, statuses, notices, people, sent, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  assert.deepEqual(sent(), [{ kind: 'join', name: 'Ana', session: 'secret number 1' }]);
  assert.deepEqual(statuses, ['entering', 'in']);
  assert.deepEqual(notices, ['youJoined Ana']);
  assert.deepEqual(people(), ['Ana']);
});

test('a message waits until the server confirms it, and is then mine', () => {
  const { conversation, heard, pending, socket, sent, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  conversation.say('hello');
  conversation.say('   ');
  const { kind, text, key } = sent().at(-1);
  assert.deepEqual([kind, text], ['say', 'hello']);
  assert.deepEqual(pending(), ['hello']);
  socket().tell({ kind: 'said', number: 1, author: ME, text: 'hello', at: 0, key });
  assert.deepEqual(pending(), []);
  assert.deepEqual(heard, ['me: hello']);
});

test('what is written while there is no connection is sent on return, in order, under the same keys', () => {
  const { clock, conversation, notices, pending, socket, sent, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  conversation.say('one');
  const { key } = sent().at(-1);
  socket().drop();
  conversation.say('two');
  assert.equal(conversation.status, 'lost');
  assert.deepEqual(pending(), ['one', 'two']);
  clock.advance(conversation.retryIn);
  comeIn();
  assert.deepEqual(
    sent().map(({ kind, text }) => text ?? kind),
    ['join', 'one', 'two'],
  );
  assert.equal(sent()[1].key, key);
  assert.deepEqual(notices, ['youJoined Ana', 'connectionLost', 'back']);
});

test('it tells the server what it has seen, and shows no message twice', () => {
  const { conversation, heard, socket, sent, comeIn } = setUp();
  const first = { number: 7, author: LUIS, text: 'first', at: 0 };
  conversation.enter('Ana');
  comeIn({ ...WELCOME, messages: [first] });
  socket().tell({ kind: 'said', number: 8, author: LUIS, text: 'second', at: 0 });
  socket().drop();
  conversation.reconnect();
  comeIn({ ...WELCOME, messages: [first, { ...first, number: 9, text: 'third' }] });
  assert.deepEqual(sent()[0].seen, { room: 'r', number: 8 });
  assert.deepEqual(heard, ['Luis: first', 'Luis: second', 'Luis: third']);
});

test('after a restart of the server its numbers begin again, and count', () => {
  const { conversation, heard, socket, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  socket().tell({ kind: 'said', number: 8, author: LUIS, text: 'before', at: 0 });
  socket().drop();
  conversation.reconnect();
  comeIn({ ...WELCOME, room: 'another', messages: [{ number: 1, author: LUIS, text: 'after', at: 0 }] });
  assert.deepEqual(heard, ['Luis: before', 'Luis: after']);
});

test('a confirmation that was lost with the connection comes with the welcome', () => {
  const { conversation, heard, pending, socket, sent, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  conversation.say('hello');
  const { key } = sent().at(-1);
  socket().drop();
  conversation.reconnect();
  comeIn({ ...WELCOME, messages: [{ number: 1, author: ME, text: 'hello', at: 0, key }] });
  assert.deepEqual(heard, ['me: hello']);
  assert.deepEqual(pending(), []);
  assert.deepEqual(
    sent().map(({ kind }) => kind),
    ['join'],
  );
});

test('it asks again for the name that the server gave it', () => {
  const { conversation, socket, sent, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn({ ...WELCOME, you: { id: 3, name: 'Ana 2' } });
  socket().drop();
  conversation.reconnect();
  comeIn();
  assert.equal(sent()[0].name, 'Ana 2');
});

test('people come and go', () => {
  const { conversation, notices, people, socket, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  socket().tell({ kind: 'joined', person: LUIS, at: 0 });
  assert.deepEqual(people(), ['Ana', 'Luis']);
  socket().tell({ kind: 'left', person: LUIS, at: 0 });
  assert.deepEqual(people(), ['Ana']);
  assert.deepEqual(notices, ['youJoined Ana', 'joined Luis', 'left Luis']);
});

test('who missed more than the server remembers is told so', () => {
  const { conversation, notices, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn({ ...WELCOME, gap: true });
  assert.deepEqual(notices, ['gap', 'youJoined Ana']);
});

test('quitting is not a loss, and who enters afterwards is somebody new', () => {
  const { clock, conversation, statuses, sent, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  conversation.quit();
  clock.advance(60_000);
  assert.deepEqual(statuses, ['entering', 'in', 'out']);
  conversation.enter('Ana');
  comeIn();
  assert.notEqual(sent()[0].session, 'secret number 1');
});

test('quitting works in a pause, and after the end too', () => {
  const { conversation, statuses, socket } = setUp();
  conversation.enter('Ana');
  socket().drop();
  conversation.quit();
  assert.equal(conversation.status, 'out');
  conversation.enter('Ana');
  socket().accept();
  socket().drop(4001);
  assert.equal(conversation.replaced, true);
  conversation.quit();
  assert.deepEqual(statuses, ['entering', 'lost', 'out', 'entering', 'ended', 'out']);
});

test('a server that says nothing is a server that was lost', () => {
  const { clock, conversation, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  conversation.check();
  clock.advance(8000);
  assert.equal(conversation.status, 'lost');
  conversation.check();
  assert.equal(conversation.status, 'entering');
});

test('a message that the server refuses does not wait for ever', () => {
  const { conversation, notices, pending, socket, sent, comeIn } = setUp();
  conversation.enter('Ana');
  comeIn();
  conversation.say('hello');
  socket().tell({ kind: 'error', code: 'text-too-long', message: '…', key: sent().at(-1).key });
  assert.deepEqual(pending(), []);
  assert.deepEqual(notices, ['youJoined Ana', 'notSent']);
});

test('the page speaks the first language of the reader that it knows', () => {
  assert.equal(languageFor(['es-MX', 'en']), 'es');
  assert.equal(languageFor(['fr', 'en-GB', 'es']), 'en');
  assert.equal(languageFor(['fr', 'ES']), 'es');
  assert.equal(languageFor(['nah']), 'en');
  assert.equal(languageFor([]), 'en');
});

test('Spanish says everything that English says, in other words', () => {
  const english = wordsFor('en') as Record<string, unknown>;
  const spanish = wordsFor('es') as Record<string, unknown>;
  assert.deepEqual(Object.keys(spanish), Object.keys(english));
  for (const [key, word] of Object.entries(english)) {
    if (typeof word === 'string') assert.notEqual(spanish[key], word, key);
  }
});
