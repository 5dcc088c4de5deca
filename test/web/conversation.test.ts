import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conversation, type Status } from '../../web/conversation.ts';
import { languageFor, wordsFor } from '../../web/words.ts';
import { setUp as setUpClient } from '../client/set-up.ts';
import { turn } from '../support/turn.ts';

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

test('it first looks who is there, then enters as a member, and has entered when the recent messages are shown', async () => {
  const { enter, hub, log, statuses, notices, heard } = await setUp();
  hub.publish(ROOM, { text: 'earlier', name: 'Luis', person: 'luis' });
  log.members = [LUIS];
  await enter();
  assert.deepEqual(statuses, ['entering', 'in']);
  assert.deepEqual(notices, ['youJoined Ana']);
  assert.deepEqual(heard, ['Luis: earlier']);
  // In the subscription that it has, so that nobody sees it leave.
  const [[, , , look], ...others] = hub.heardOf('sub') as [ReturnType<typeof hub.heardOf<'sub'>>[0]];
  assert.deepEqual([look.presence, look.member, others, hub.heardOf('un')], [true, undefined, [], []]);
  assert.deepEqual(
    hub.heardOf('set').map(([, , , changes]) => changes),
    [{ member: { name: 'Ana', person: 'me' } }],
  );
});

test('a name that is taken gets a number; members keep theirs', async () => {
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

test('a message is pending until the server confirms it, and is then shown as ours', async () => {
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

test('a message that was received back is not pending any more, even before its answer', async () => {
  const { conversation, enter, hub, heard, pending } = await setUp();
  await enter();
  conversation.say('hello');
  await turn();
  hub.step(1, 1); // the publication is the first line down, its answer the second
  assert.deepEqual(heard, ['me: hello']);
  assert.deepEqual(pending(), []);
});

test('messages written without a connection are sent on return, in order and once', async () => {
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

test('messages missed meanwhile are shown on return, and nothing twice', async () => {
  const { enter, hub, comeBack, heard } = await setUp();
  await enter();
  hub.publish(ROOM, { text: 'first', name: 'Luis' });
  await hub.settle();
  hub.cut();
  hub.publish(ROOM, { text: 'second', name: 'Luis' });
  await comeBack();
  assert.deepEqual(heard, ['Luis: first', 'Luis: second']);
});

test('a new log is a gap, and its messages are shown before later ones', async () => {
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

test('a user who missed more than is stored is told so, and sees what is left', async () => {
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

test('people join and leave; a person with two connections joins and leaves once', async () => {
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

test('a person who returns after a server restart is not announced, unless it takes long', async () => {
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

test('a typing person is shown for some seconds, or until the message comes', async () => {
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

test('our typing notices are sent at intervals, are not stored, and do not come back to us', async () => {
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

test('quitting is not a loss, and after returning nothing is shown twice', async () => {
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

test('quitting works during a pause', async () => {
  const { conversation, enter, hub, statuses } = await setUp();
  await enter();
  hub.cut();
  conversation.quit();
  assert.deepEqual(statuses, ['entering', 'in', 'lost', 'out']);
});

test('a refusal by the room ends the conversation, until the user tries again', async () => {
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

test('a message that the server refuses is not pending for ever', async () => {
  const { conversation, enter, hub, notices, pending } = await setUp();
  await enter();
  hub.refuse = (message) => (message[0] === 'pub' ? ['err', message[1], 'TOO_LARGE', 'no'] : undefined);
  conversation.say('hello');
  await hub.settle();
  assert.deepEqual(pending(), []);
  assert.deepEqual(notices, ['youJoined Ana', 'notSent']);
});

test('data that is not a chat message is ignored', async () => {
  const { enter, hub, heard } = await setUp();
  for (const data of [null, 7, {}, { text: '' }, ['text']]) hub.publish(ROOM, data);
  hub.publish(ROOM, 'from a script');
  await enter();
  assert.deepEqual(heard, ['Guest: from a script']);
});

test("the page uses the reader's first language that it has", () => {
  assert.equal(languageFor(['es-MX', 'en']), 'es');
  assert.equal(languageFor(['fr', 'en-GB', 'es']), 'en');
  assert.equal(languageFor(['fr', 'ES']), 'es');
  assert.equal(languageFor(['nah']), 'en');
  assert.equal(languageFor([]), 'en');
});

test('the Spanish texts are complete, and differ from the English ones', () => {
  const english = wordsFor('en') as Record<string, unknown>;
  const spanish = wordsFor('es') as Record<string, unknown>;
  assert.deepEqual(Object.keys(spanish), Object.keys(english));
  for (const [key, word] of Object.entries(english)) {
    if (typeof word === 'string') assert.notEqual(spanish[key], word, key);
  }
});
