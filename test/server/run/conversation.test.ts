import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNAVAILABLE } from '../../../src/server/run/conversation.ts';
import { Room } from './room.ts';

const about = { address: '192.0.2.7', url: '/?room=1', headers: { host: 'chat.example' } };

test('a program learns who connects, what they say and that they leave', () => {
  const room = new Room();
  const program = room.start();
  const ana = room.connect();
  room.message(ana, 'hola "square"');
  room.message(ana, Buffer.from([1, 2, 255]));
  room.disconnect(ana, 1000);
  assert.deepEqual(program.events, [
    ['connect', 1, about],
    ['message', 1, 'hola "square"'],
    ['binary', 1, 'AQL/'],
    ['disconnect', 1, 1000],
  ]);
  const [verb, zero, { version, since }] = program.heard[0] as [string, number, { version: string; since: number }];
  assert.deepEqual([verb, zero, version], ['hello', 0, '1.2.3']);
  assert.ok(since > 1_700_000_000);
});

test('what a program says takes effect with the done of its event, all of it or nothing', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  const bea = room.connect();
  room.say(['send', 1, 'to ana'], ['send', [1, 2], 'to both', 2, 'to bea'], ['close', 2, 4000, 'bye']);
  assert.deepEqual([ana.got, bea.got, bea.closed], [[], [], undefined]);
  room.say(['done', 2]);
  assert.deepEqual(
    [ana.got, bea.got],
    [
      ['to ana', 'to both'],
      ['to both', 'to bea'],
    ],
  );
  assert.deepEqual(bea.closed, [4000, 'bye']);
  room.say(['sendBinary', 1, 'AQI='], ['flush']);
  assert.deepEqual(ana.got.at(-1), Buffer.from([1, 2]));
});

test('the next process gets what the last one did not finish, and is told who is here', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  const bea = room.connect();
  room.say(['done', 1]);
  room.message(ana, 'one');
  room.message(ana, 'two');
  room.say(['send', 1, 'answer to connect of bea'], ['done', 2], ['send', 1, 'lost with its process']);
  room.conversation.ended('crashed');
  room.message(bea, 'three');
  const next = room.start();
  assert.deepEqual(next.heard.slice(1), [
    ['here', 1, about],
    ['here', 2, about],
    ['message', 1, 'one'],
    ['message', 1, 'two'],
    ['message', 2, 'three'],
  ]);
  room.say(['send', '*', 'again'], ['done', 3]);
  assert.deepEqual(ana.got, ['answer to connect of bea', 'again']);
});

test('clients that came or left while no program ran are reported once', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  const bea = room.connect();
  room.say(['done', 2]);
  room.conversation.ended('crashed');
  room.disconnect(ana, 1006);
  room.connect();
  const next = room.start();
  assert.deepEqual(
    next.heard.slice(1).map(([verb, number]) => [verb, number]),
    [
      ['here', 1],
      ['here', 2],
      ['disconnect', 1],
      ['connect', 3],
    ],
  );
  room.say(['done', 2]);
  room.disconnect(bea);
  room.say(['done', 3]);
  room.conversation.ended('crashed');
  assert.deepEqual(room.start().heard.slice(1), [['here', 3, about]]);
});

test('a message to everybody goes to the clients that the program knows', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  room.say(['done', 1]);
  room.message(ana, 'hello all');
  const bea = room.connect();
  room.say(['send', '*', 'hello all'], ['done', 2]);
  assert.deepEqual([ana.got, bea.got, room.broadcasts], [['hello all'], [], 0]);
  room.say(['send', '*', 'now you too'], ['done', 3]);
  assert.deepEqual([bea.got, room.broadcasts], [['now you too'], 1]);
});

test('a program that works in turns gets messages together, when it is done with the last ones', () => {
  const room = new Room();
  const program = room.start({ acknowledges: true, turns: true });
  const ana = room.connect();
  const bea = room.connect();
  room.message(ana, 'one');
  room.message(bea, 'two');
  assert.deepEqual(program.events, [['connect', 1, about]]);
  room.say(['done', 1]);
  assert.deepEqual(program.events.slice(1), [
    ['connect', 2, about],
    ['message', 1, 'one', 2, 'two'],
  ]);
});

test('an event that ends the program twice is given alone, and dropped when it does so again', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  room.say(['done', 1]);
  room.message(ana, 'poison');
  room.message(ana, 'bread');
  room.conversation.ended('crashed');
  room.start();
  room.conversation.ended('crashed');
  const third = room.start();
  assert.deepEqual(third.events, [['message', 1, 'poison']]);
  room.conversation.ended('crashed');
  assert.equal(room.logged.length, 1);
  assert.match(room.logged[0]!.sentence, /^an event was dropped: the program php chat\.php has ended each time/);
  const fourth = room.start();
  assert.deepEqual(fourth.events, [['message', 1, 'bread']]);
  room.say(['done', 1]);
  room.message(ana, 'more');
  assert.deepEqual(fourth.events.slice(1), [['message', 1, 'more']]);
});

test('a program that was killed from outside has to be killed far more often until an event is dropped', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  room.say(['done', 1]);
  room.message(ana, 'unlucky');
  for (let i = 0; i < 5; i++) {
    room.conversation.ended('killed');
    room.start();
  }
  assert.deepEqual(room.logged, []);
  room.conversation.ended('killed');
  assert.equal(room.logged.length, 1);
});

test('of a program that works in turns the first event that it did not acknowledge is the one that ended it', () => {
  const room = new Room();
  const turns = { acknowledges: true, turns: true };
  room.start(turns);
  const ana = room.connect();
  for (const message of ['poison', 'bread']) room.message(ana, message);
  room.say(['done', 1]);
  for (let i = 0; i < 2; i++) {
    room.conversation.ended('exited');
    room.start(turns);
  }
  room.conversation.ended('exited');
  assert.equal(room.logged.length, 1);
  const next = room.start(turns);
  assert.deepEqual(next.events, [['message', 1, 'bread']]);
  room.conversation.ended('exited');
  assert.deepEqual(room.start(turns).events, [['message', 1, 'bread']]);
});

test('a process that ends before it is ready has done nothing to its events', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  room.say(['done', 1]);
  room.conversation.ended('crashed');
  room.message(ana, 'still here');
  for (let i = 0; i < 5; i++) {
    room.start(null);
    room.conversation.ended('crashed');
  }
  assert.deepEqual(room.start().events, [['message', 1, 'still here']]);
  assert.deepEqual(room.logged, []);
});

test('a restart by us is no fault of an event', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  for (let i = 0; i < 5; i++) {
    room.conversation.ended('stopped');
    room.start();
  }
  room.say(['done', 1]);
  assert.equal(ana.closed, undefined);
  assert.deepEqual(room.logged, []);
});

test('a client whose connect is dropped is closed', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  for (let i = 0; i < 3; i++) {
    room.conversation.ended('crashed');
    room.start();
  }
  assert.deepEqual(ana.closed, [1011, 'the program failed']);
});

test('a program that hangs is ended, its event dropped, and what it says late ignored', () => {
  const room = new Room({ timeout: 10_000 });
  const program = room.start();
  const ana = room.connect();
  room.say(['done', 1]);
  room.clock.advance(60_000); // it has nothing to do
  room.message(ana, 'endless');
  room.clock.advance(9_000);
  assert.equal(program.failure, undefined);
  room.clock.advance(1_500);
  assert.equal(program.failure, 'PROGRAM_TIMEOUT');
  room.say(['send', 1, 'too late'], ['done', 2]);
  room.conversation.ended('crashed');
  room.message(ana, 'quick');
  const next = room.start();
  assert.deepEqual(next.events, [['message', 1, 'quick']]);
  assert.deepEqual(ana.got, []);
  assert.match(room.logged[0]!.sentence, /did not handle it within 10 s/);
});

test('of several events the one that hangs is found by giving each of them alone', () => {
  const room = new Room({ timeout: 10_000 });
  room.start();
  const ana = room.connect();
  room.say(['done', 1]);
  for (const message of ['one', 'endless', 'two']) room.message(ana, message);
  room.clock.advance(10_500);
  room.conversation.ended('crashed');
  const second = room.start();
  assert.deepEqual(second.events, [['message', 1, 'one']]);
  room.say(['done', 1]);
  assert.deepEqual(second.events.at(-1), ['message', 1, 'endless']);
  room.clock.advance(10_500);
  assert.equal(second.failure, 'PROGRAM_TIMEOUT');
  room.conversation.ended('crashed');
  assert.deepEqual(room.start().events, [['message', 1, 'two']]);
  assert.equal(room.logged.length, 1);
});

test('a program that is slow and goes on is not ended', () => {
  const room = new Room({ timeout: 10_000 });
  const program = room.start();
  const ana = room.connect();
  for (let i = 0; i < 5; i++) room.message(ana, 'slow');
  for (let i = 1; i <= 6; i++) {
    room.clock.advance(8_000);
    room.say(['done', i]);
  }
  room.clock.advance(60_000);
  assert.equal(program.failure, undefined);
});

test('a program that was ready and no longer becomes ready is ended', () => {
  const room = new Room({ timeout: 10_000 });
  room.start();
  room.conversation.ended('crashed');
  const next = room.start(null);
  room.clock.advance(10_500);
  assert.equal(next.failure, 'PROGRAM_TIMEOUT');
});

for (const whenFull of ['close', 'answer'] as const)
  test(`more messages than may wait: ${whenFull}`, () => {
    const room = new Room({ waiting: { events: 3, bytes: 1_000_000 }, whenFull });
    const ana = room.connect();
    room.message(ana, 'one');
    room.message(ana, 'two');
    room.message(ana, 'three');
    assert.deepEqual(ana.got, whenFull === 'answer' ? [UNAVAILABLE] : []);
    assert.deepEqual(ana.closed, whenFull === 'close' ? [1013, 'too many messages wait for the program'] : undefined);
    assert.deepEqual((room.conversation.upgrade({ ...ana.request } as never) as { refuse: number }).refuse, 503);
    const program = room.start();
    room.say(['done', 3]);
    room.message(ana, 'four');
    assert.deepEqual(
      program.events.map(([, , text]) => text),
      [about, 'one', 'two', 'four'],
    );
  });

test('messages that are too large together are too many', () => {
  const room = new Room({ waiting: { events: 1_000, bytes: 100 } });
  const ana = room.connect();
  room.message(ana, 'x'.repeat(100));
  assert.equal(ana.closed, undefined);
  room.message(ana, 'y');
  assert.equal(ana.closed?.[0], 1013);
});

test('a program decides who may connect, if it says so', async () => {
  const room = new Room();
  const program = room.start({ acknowledges: true, checks: true });
  const request = { remoteAddress: '192.0.2.7', url: '/', headers: {}, protocols: ['chat'] } as never;
  const answers = [room.conversation.upgrade(request), room.conversation.upgrade({ ...(request as object) } as never)];
  assert.deepEqual(program.events[0]!.slice(0, 2), ['upgrade', 1]);
  room.say(['accept', 1, { protocol: 'chat' }], ['refuse', 2, 401], ['done', 2]);
  assert.deepEqual(await Promise.all(answers), [
    { data: 1, protocol: 'chat' },
    { refuse: 401, reason: 'The program refused' },
  ]);
});

test('a handshake that waits survives the program, and is refused when everything ends', async () => {
  const room = new Room();
  room.start({ acknowledges: true, checks: true });
  const request = { remoteAddress: '192.0.2.7', url: '/', headers: {}, protocols: [] } as never;
  const first = room.conversation.upgrade(request);
  room.conversation.ended('crashed');
  room.start({ acknowledges: true, checks: true });
  room.say(['accept', 1], ['done', 1]);
  assert.deepEqual(await first, { data: 1 });
  const second = room.conversation.upgrade({ ...(request as object) } as never);
  room.conversation.stop();
  assert.deepEqual(await second, { refuse: 503 });
});

test('a reason that is too long for a close frame is shortened to whole characters', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  room.say(['close', 1, 4000, 'ñ'.repeat(100)], ['done', 1]);
  assert.deepEqual(ana.closed, [4000, 'ñ'.repeat(61)]);
});

test('a ready with options of the wrong type is a bad line, and null says nothing', () => {
  const wrong = { listen: 9000, acknowledges: 1, turns: 'yes', checks: 0, origins: 5, protocols: 'chat', files: [5] };
  for (const [name, value] of Object.entries(wrong)) {
    const room = new Room();
    const program = room.start({ [name]: value });
    assert.deepEqual([room.codes, room.ready], [['PROGRAM_BAD_LINE'], []], name);
    assert.match(room.logged[0]!.fields.err!.toString(), new RegExp(`ready has the wrong type for ${name}`));
    room.connect();
    room.say(['ready', 0, { [name]: null }]);
    assert.equal(program.events.length, 1);
  }
});

test('of subprotocols a program can choose only one that the client has offered', async () => {
  const room = new Room();
  room.start({ acknowledges: true, checks: true });
  const request = { remoteAddress: '192.0.2.7', url: '/', headers: {}, protocols: ['chat'] } as never;
  const answer = room.conversation.upgrade(request);
  room.say(['accept', 1, { protocol: 'soap\r\nSet-Cookie: a=b' }], ['done', 1]);
  assert.deepEqual(await answer, { data: 1 });
  assert.deepEqual(room.codes, ['PROGRAM_UNEXPECTED_ANSWER']);
});

test('a program that is not ready gets its events after two seconds, and no acknowledgement is asked of it', () => {
  const room = new Room();
  const program = room.start(null);
  const ana = room.connect();
  assert.deepEqual(program.events, []);
  room.clock.advance(2_000);
  assert.deepEqual(program.events, [['connect', 1, about]]);
  room.say(['send', 1, 'at once']);
  assert.deepEqual(ana.got, ['at once']);
  room.clock.advance(120_000);
  assert.equal(program.failure, undefined);
  room.conversation.ended('crashed');
  const next = room.start(null);
  assert.deepEqual(next.heard.slice(1), [['here', 1, about]]);
});

test('what cannot be understood is logged and ignored', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  const lines = ['no json', '{"verb":"send"}', '["shout",1,"x"]', '["send",1]', '["send",1,2]', '["send","ana","x"]'];
  const more = ['["send",[1,null],"x"]', '["close","x"]', '["close",1,1006]', '["done",-1]', '["done","1"]', '[]', '7'];
  for (const line of [...lines, ...more]) room.conversation.line(line);
  assert.deepEqual(new Set(room.codes), new Set(['PROGRAM_BAD_LINE']));
  assert.equal(room.logged.length, lines.length + more.length);
  room.say(['done', 2], ['ready', 0, {}]);
  assert.deepEqual(room.codes.slice(-2), ['PROGRAM_UNEXPECTED_ANSWER', 'PROGRAM_UNEXPECTED_ANSWER']);
  room.say(['send', 1, 'well'], ['send', 99, 'nobody'], ['send', [99, 1], 'done'], ['done', 1]);
  assert.deepEqual(ana.got, ['well', 'done']);
});
