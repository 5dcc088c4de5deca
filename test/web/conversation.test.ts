import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conversation, type Status } from '../../web/conversation.ts';
import { languageFor, wordsFor } from '../../web/words.ts';
import { setUp as setUpClient } from '../client/set-up.ts';

const ROOM = 'chat:square';
const ANA = { id: 'c1', data: { name: 'Ana', person: 'ana-id' } };
const LUIS = { id: 'c2', data: { name: 'Luis', person: 'luis-id' } };

/** A conversation over the real client, whose hub is a fake, and what its page was told. */
function setUp() {
  const { hub, client, clock, comeBack } = setUpClient();
  const statuses: Status[] = [];
  const heard: string[] = [];
  const notices: string[] = [];
  let people: string[] = [];
  let pending: readonly string[] = [];
  let typing: readonly string[] = [];
  const conversation = new Conversation({
    client,
    room: ROOM,
    me: 'ana-id',
    timers: clock,
    listener: {
      onStatus: (status) => statuses.push(status),
      onSaid: ({ author, text, mine }) => heard.push(`${mine ? 'me' : author.name}: ${text}`),
      onNotice: (notice) => notices.push('name' in notice ? `${notice.kind} ${notice.name}` : notice.kind),
      onPeople(here) {
        people = here.map(({ name }) => name);
      },
      onPending(texts) {
        pending = texts;
      },
      onTyping(names) {
        typing = names;
      },
    },
  });
  conversation.listen();
  const enter = async (name = 'Ana') => {
    conversation.enter(name);
    await hub.settle();
  };
  const tell = async (message: Parameters<typeof hub.tell>[1]) => {
    hub.tell(ROOM, message);
    await hub.settle();
  };
  /** Passed on to who is there, and not kept. */
  const types = (person: string, name: string) => tell((ch) => ['m', ch, 0, { typing: true, name, person }]);
  return {
    hub,
    clock,
    conversation,
    statuses,
    heard,
    notices,
    people: () => people,
    pending: () => pending,
    typing: () => typing,
    enter,
    tell,
    types,
    comeBack,
  };
}

test('who enters sees the last messages, and is in', async () => {
  const { hub, statuses, heard, notices, enter } = setUp();
  hub.publish(ROOM, { text: 'before', name: 'Luis', person: 'luis-id' });
  await enter();
  assert.deepEqual(statuses, ['entering', 'in']);
  assert.deepEqual(notices, ['youJoined Ana']);
  assert.deepEqual(heard, ['Luis: before']);
});

test('a name that is taken gets a number; ours from before a reload is not taken', async () => {
  const namesake = setUp();
  namesake.hub.log(ROOM).members.push({ id: 'c9', data: { name: 'ana', person: 'another' } });
  await namesake.enter();
  assert.deepEqual(namesake.notices, ['youJoined Ana 2']);
  const again = setUp();
  again.hub.log(ROOM).members.push(ANA);
  await again.enter();
  assert.deepEqual(again.notices, ['youJoined Ana']);
});

test('a message waits until it comes back, and is then mine', async () => {
  const { hub, conversation, heard, pending, enter } = setUp();
  await enter();
  assert.equal(conversation.say('hello'), true);
  assert.equal(conversation.say('   '), false);
  assert.deepEqual(pending(), ['hello']);
  await hub.settle();
  assert.deepEqual(pending(), []);
  assert.deepEqual(heard, ['me: hello']);
});

test('what is written while there is no connection is sent on return, in order and once', async () => {
  const { hub, conversation, notices, pending, heard, enter, comeBack } = setUp();
  await enter();
  hub.restart();
  assert.equal(conversation.status, 'lost');
  conversation.say('one');
  conversation.say('two');
  assert.deepEqual(pending(), ['one', 'two']);
  await comeBack();
  assert.deepEqual(heard, ['me: one', 'me: two']);
  assert.deepEqual(pending(), []);
  assert.deepEqual(notices, ['youJoined Ana', 'connectionLost', 'back']);
});

test('what others said meanwhile is shown on return, and nothing twice', async () => {
  const { hub, heard, enter, comeBack } = setUp();
  await enter();
  hub.publish(ROOM, { text: 'first', name: 'Luis' });
  await hub.settle();
  hub.cut();
  hub.publish(ROOM, { text: 'second', name: 'Luis' });
  await comeBack();
  assert.deepEqual(heard, ['Luis: first', 'Luis: second']);
});

test('who missed more than is kept is told so, and sees what is left', async () => {
  const { hub, heard, notices, enter, comeBack } = setUp();
  await enter();
  hub.publish(ROOM, 'seen');
  await hub.settle();
  hub.cut();
  for (const text of ['lost', 'kept 1', 'kept 2']) hub.publish(ROOM, { text, name: 'Luis' });
  hub.trim(ROOM, 2);
  await comeBack();
  assert.ok(notices.includes('gap'));
  assert.deepEqual(heard.slice(1), ['Luis: kept 1', 'Luis: kept 2']);
});

test('people come and go, and who is back after a restart is no news', async () => {
  const { hub, notices, people, enter, tell, comeBack } = setUp();
  hub.log(ROOM).members.push(ANA);
  await enter();
  await tell((ch) => ['+', ch, LUIS]);
  assert.deepEqual(people(), ['Ana', 'Luis']);
  hub.restart();
  await comeBack();
  await tell((ch) => ['+', ch, { ...LUIS, id: 'c7' }]);
  await tell((ch) => ['-', ch, 'c7']);
  assert.deepEqual(people(), ['Ana']);
  assert.deepEqual(notices, ['youJoined Ana', 'joined Luis', 'connectionLost', 'back', 'left Luis']);
});

test('whoever is writing is shown until they have written, or for some seconds', async () => {
  const { hub, clock, typing, enter, types } = setUp();
  await enter();
  await types('luis-id', 'Luis');
  await types('eva-id', 'Eva');
  await types('ana-id', 'Ana');
  assert.deepEqual(typing(), ['Luis', 'Eva']);
  hub.publish(ROOM, { text: 'hola', name: 'Luis', person: 'luis-id' });
  await hub.settle();
  assert.deepEqual(typing(), ['Eva']);
  clock.advance(4_000);
  assert.deepEqual(typing(), []);
});

test('that we are writing is told every few seconds at most, kept by nobody, and not echoed', async () => {
  const { hub, clock, conversation, enter } = setUp();
  await enter();
  for (let n = 0; n < 5; n++) conversation.typing();
  await hub.settle();
  clock.advance(2_500);
  conversation.typing();
  await hub.settle();
  const notices = hub.heardOf('pub').map(([, , , , { keep, echo }]) => [keep, echo]);
  assert.deepEqual(notices, [
    [false, false],
    [false, false],
  ]);
});

test('quitting is not a loss, and works in a pause too', async () => {
  const { hub, clock, conversation, statuses, enter } = setUp();
  await enter();
  conversation.quit();
  clock.advance(60_000);
  assert.deepEqual(statuses, ['entering', 'in', 'out']);
  await enter();
  hub.cut();
  conversation.quit();
  assert.deepEqual(statuses.slice(3), ['entering', 'in', 'lost', 'out']);
});

test('a room that is closed to us is the end, and says so', async () => {
  const { hub, conversation, enter } = setUp();
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1]!, 'FORBIDDEN', 'not here'] : undefined);
  await enter();
  assert.equal(conversation.status, 'ended');
});

test('a message that the server refuses does not wait for ever', async () => {
  const { hub, conversation, notices, pending, enter } = setUp();
  await enter();
  hub.refuse = (message) => (message[0] === 'pub' ? ['err', message[1]!, 'TOO_LARGE', 'too long'] : undefined);
  conversation.say('hello');
  await hub.settle();
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
