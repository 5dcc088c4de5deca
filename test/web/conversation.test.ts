import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conversation, type Status } from '../../web/conversation.ts';
import { languageFor, wordsFor } from '../../web/words.ts';
import { turn } from '../client/fake-hub.ts';
import { setUp as setUpClient } from '../client/set-up.ts';

const ROOM = 'chat:42';
const LUIS = { id: 'c-luis', data: { name: 'Luis', person: 'luis' } };

async function setUp() {
  const { client, clock, hub, comeBack } = setUpClient();
  const statuses: Status[] = [];
  const heard: string[] = [];
  const notices: string[] = [];
  let people: string[] = [];
  let pending: readonly string[] = [];
  let typing: readonly string[] = [];
  const conversation = new Conversation({
    client,
    room: ROOM,
    me: 'me',
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
  const log = hub.log(ROOM);
  /** The subscription that stays: the first one only looks around. */
  const subscription = () => hub.heardOf('sub').at(-1)!;
  const enter = async (name = 'Ana') => {
    conversation.enter(name);
    await hub.settle();
  };
  return {
    client,
    clock,
    hub,
    log,
    comeBack,
    conversation,
    enter,
    subscription,
    statuses,
    heard,
    notices,
    people: () => people,
    pending: () => pending,
    typing: () => typing,
  };
}

test('it looks around, then enters as a member, and is in when all that was said before is there', async () => {
  const { enter, hub, log, subscription, statuses, notices, heard } = await setUp();
  hub.publish(ROOM, { text: 'earlier', name: 'Luis', person: 'luis' });
  log.members = [LUIS];
  await enter();
  assert.deepEqual(statuses, ['entering', 'in']);
  assert.deepEqual(notices, ['youJoined Ana']);
  assert.deepEqual(heard, ['Luis: earlier']);
  const { recent, presence, member } = subscription()[3];
  assert.deepEqual([recent, presence, member], [50, true, { name: 'Ana', person: 'me' }]);
  assert.equal(hub.heardOf('sub')[0]![3].member, undefined);
});

test('a name that somebody else has gets a number; whoever is still there keeps theirs', async () => {
  const first = await setUp();
  first.log.members = [{ id: 'c', data: { name: 'ana', person: 'another' } }];
  await first.enter('Ana');
  assert.deepEqual(first.notices, ['youJoined Ana 2']);
  const second = await setUp();
  second.log.members = [
    { id: 'c', data: { name: 'Ana', person: 'another' } },
    { id: 'd', data: { name: 'Ana 2', person: 'me' } },
  ];
  await second.enter('Ana');
  assert.deepEqual(second.notices, ['youJoined Ana 2']);
});

test('a message waits until the server confirms it, and is then mine', async () => {
  const { conversation, enter, hub, heard, pending, subscription } = await setUp();
  await enter();
  assert.equal(conversation.say('hello \n'), true);
  assert.equal(conversation.say('   '), false);
  assert.deepEqual(pending(), ['hello']);
  await hub.settle();
  assert.deepEqual(pending(), []);
  assert.deepEqual(heard, ['me: hello']);
  assert.deepEqual(hub.dataOf(ROOM), [{ text: 'hello', name: 'Ana', person: 'me' }]);
  assert.equal(subscription()[2], ROOM);
});

test('a message that has come back does not wait any more, though its answer is still on its way', async () => {
  const { conversation, enter, hub, heard, pending } = await setUp();
  await enter();
  conversation.say('hello');
  await turn();
  hub.step(1, 1); // the publication is the first line down, its answer the second
  assert.deepEqual(heard, ['me: hello']);
  assert.deepEqual(pending(), []);
});

test('what is written while there is no connection is sent on return, in order and once', async () => {
  const { conversation, enter, hub, comeBack, notices, pending, statuses, heard } = await setUp();
  await enter();
  conversation.say('one');
  await turn();
  hub.step(1, 0); // in the log, but the answer is lost
  hub.cut();
  conversation.say('two');
  assert.deepEqual(pending(), ['one', 'two']);
  await comeBack();
  assert.deepEqual(heard, ['me: one', 'me: two']);
  assert.deepEqual(pending(), []);
  assert.deepEqual(statuses, ['entering', 'in', 'lost', 'entering', 'in']);
  assert.deepEqual(notices, ['youJoined Ana', 'connectionLost', 'back']);
});

test('what was said meanwhile comes on return, and nothing twice', async () => {
  const { enter, hub, comeBack, heard } = await setUp();
  await enter();
  hub.publish(ROOM, { text: 'first', name: 'Luis' });
  await hub.settle();
  hub.cut();
  hub.publish(ROOM, { text: 'second', name: 'Luis' });
  await comeBack();
  assert.deepEqual(heard, ['Luis: first', 'Luis: second']);
});

test('a log that was begun anew is a gap, and what it has is shown before what follows', async () => {
  const { enter, hub, log, comeBack, heard, notices } = await setUp();
  hub.publish(ROOM, { text: 'before', name: 'Luis' });
  await enter();
  hub.restart();
  log.epoch = 'e2';
  log.entries = [];
  hub.publish(ROOM, { text: 'after', name: 'Luis' });
  await comeBack();
  hub.publish(ROOM, { text: 'live', name: 'Luis' });
  await hub.settle();
  assert.deepEqual(heard, ['Luis: before', 'Luis: after', 'Luis: live']);
  assert.deepEqual(notices, ['youJoined Ana', 'connectionLost', 'gap', 'back']);
});

test('who missed more than is kept is told so, and sees what is left', async () => {
  const { enter, hub, comeBack, heard, notices } = await setUp();
  await enter();
  hub.publish(ROOM, { text: 'seen', name: 'Luis' });
  await hub.settle();
  hub.cut();
  for (const text of ['lost', 'kept 1', 'kept 2']) hub.publish(ROOM, { text, name: 'Luis' });
  hub.trim(ROOM, 2);
  await comeBack();
  assert.ok(notices.includes('gap'));
  assert.deepEqual(heard, ['Luis: seen', 'Luis: kept 1', 'Luis: kept 2']);
});

test('people come and go; one on two lines comes and goes once', async () => {
  const { enter, hub, notices, people } = await setUp();
  await enter();
  const again = { ...LUIS, id: 'c-luis-2' };
  hub.tell(ROOM, (ch) => ['+', ch, LUIS]);
  hub.tell(ROOM, (ch) => ['+', ch, again]);
  hub.tell(ROOM, (ch) => ['-', ch, LUIS.id]);
  await hub.settle();
  assert.deepEqual(people(), ['Luis']);
  hub.tell(ROOM, (ch) => ['-', ch, again.id]);
  await hub.settle();
  assert.deepEqual(people(), []);
  assert.deepEqual(notices, ['youJoined Ana', 'joined Luis', 'left Luis']);
});

test('who comes back after the server did is no news, unless it takes them long', async () => {
  for (const [pause, news] of [
    [30_000, []],
    [90_000, ['joined Luis']],
  ] as const) {
    const { clock, enter, hub, log, comeBack, notices } = await setUp();
    log.members = [LUIS];
    await enter();
    hub.restart();
    log.members = [];
    await comeBack();
    for (let passed = 0; passed < pause; passed += 10_000) {
      clock.advance(10_000);
      hub.line.say([]); // a line that says nothing for long is given up
      await hub.settle();
    }
    hub.tell(ROOM, (ch) => ['+', ch, { ...LUIS, id: 'another' }]);
    await hub.settle();
    assert.deepEqual(notices, ['youJoined Ana', 'connectionLost', 'back', ...news]);
  }
});

test('who writes is seen writing for some seconds, or until it is said', async () => {
  const { clock, enter, hub, typing } = await setUp();
  await enter();
  const write = async (person: string, name: string) => {
    hub.tell(ROOM, (ch) => ['m', ch, 0, { typing: true, name, person }]);
    await hub.settle();
  };
  await write('luis', 'Luis');
  await write('me', 'Ana');
  assert.deepEqual(typing(), ['Luis']);
  clock.advance(4_000);
  assert.deepEqual(typing(), []);
  await write('luis', 'Luis');
  hub.publish(ROOM, { text: 'said', name: 'Luis', person: 'luis' });
  await hub.settle();
  assert.deepEqual(typing(), []);
});

test('that we are writing is told now and then, is not kept, and does not come back to us', async () => {
  const { clock, conversation, enter, hub } = await setUp();
  conversation.typing();
  await enter();
  conversation.typing();
  conversation.typing();
  clock.advance(2_500);
  conversation.typing();
  await hub.settle();
  const published = hub.heardOf('pub');
  assert.equal(published.length, 2);
  const [, , , data, { keep, echo }] = published[0]!;
  assert.deepEqual([data, keep, echo], [{ typing: true, name: 'Ana', person: 'me' }, false, false]);
});

test('quitting is not a loss, and who comes back sees nothing twice', async () => {
  const { clock, conversation, enter, hub, statuses, heard } = await setUp();
  hub.publish(ROOM, { text: 'first', name: 'Luis' });
  await enter();
  conversation.quit();
  clock.advance(60_000);
  assert.deepEqual(statuses, ['entering', 'in', 'out']);
  assert.equal(conversation.say('into the void'), false);
  hub.publish(ROOM, { text: 'second', name: 'Luis' });
  await enter('Lucho');
  assert.deepEqual(heard, ['Luis: first', 'Luis: second']);
  assert.deepEqual(statuses, ['entering', 'in', 'out', 'entering', 'in']);
});

test('quitting works in a pause', async () => {
  const { conversation, enter, hub, statuses } = await setUp();
  await enter();
  hub.cut();
  conversation.quit();
  assert.deepEqual(statuses, ['entering', 'in', 'lost', 'out']);
});

test('a room that is closed to us ends it, until we try again', async () => {
  const { conversation, enter, hub, statuses } = await setUp();
  hub.refuse = (message) => (message[0] === 'sub' ? ['err', message[1], 'FORBIDDEN', 'no'] : undefined);
  await enter();
  assert.equal(conversation.status, 'ended');
  assert.equal(conversation.say('hello'), false);
  hub.refuse = () => undefined;
  conversation.reconnect();
  await hub.settle();
  assert.deepEqual(statuses, ['entering', 'ended', 'entering', 'in']);
});

test('a message that the server refuses does not wait for ever', async () => {
  const { conversation, enter, hub, notices, pending } = await setUp();
  await enter();
  hub.refuse = (message) => (message[0] === 'pub' ? ['err', message[1], 'TOO_LARGE', 'no'] : undefined);
  conversation.say('hello');
  await hub.settle();
  assert.deepEqual(pending(), []);
  assert.deepEqual(notices, ['youJoined Ana', 'notSent']);
});

test('what is no message of a chat is passed over', async () => {
  const { enter, hub, heard } = await setUp();
  for (const data of [null, 7, {}, { text: '' }, ['text']]) hub.publish(ROOM, data);
  hub.publish(ROOM, 'from a script');
  await enter();
  assert.deepEqual(heard, ['Guest: from a script']);
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
