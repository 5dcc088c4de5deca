import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Room } from './room.ts';

test('one client cannot fill the queue: it waits at a tenth, others go ahead, and then it goes on', () => {
  const room = new Room();
  const program = room.start({ acknowledges: true, turns: true });
  const ana = room.connect();
  const bea = room.connect();
  room.say(['done', 1]); // the connect of bea is in flight now
  let sent = 0;
  while (!ana.isPaused && sent < 1_000) room.message(ana, `${sent++}`);
  assert.equal(sent, 100);
  room.message(bea, 'from bea');
  assert.deepEqual([ana.closed, bea.closed, bea.isPaused], [undefined, undefined, false]);
  room.say(['done', 2]);
  assert.equal(program.events.length, 3);
  room.say(['done', 51]);
  assert.equal(ana.isPaused, true);
  room.say(['done', 52]);
  assert.equal(ana.isPaused, false);
});

test('a large message takes the place of many', () => {
  const room = new Room({ waiting: { events: 1_000, bytes: 100_000 } });
  room.start();
  const ana = room.connect();
  room.message(ana, 'x'.repeat(9_000));
  assert.equal(ana.isPaused, false);
  room.message(ana, 'x'.repeat(1_000));
  assert.equal(ana.isPaused, true);
  room.say(['done', 3]);
  assert.equal(ana.isPaused, false);
});

test('while no program runs, a client is refused at its tenth, and others are not', () => {
  const room = new Room();
  const ana = room.connect();
  const bea = room.connect();
  for (let i = 0; i < 99; i++) room.message(ana, 'x');
  assert.equal(ana.closed, undefined);
  room.message(ana, 'one too many');
  assert.deepEqual(ana.closed, [1013, 'too many messages wait for the program']);
  room.message(bea, 'hello');
  assert.deepEqual([bea.closed, ana.isPaused], [undefined, false]);
  assert.equal(room.start().events.length, 102);
});

test('clients who come and go before a program runs cost nothing, whatever their number', () => {
  const room = new Room({ waiting: { events: 200, bytes: 1_000_000 } });
  for (let i = 0; i < 2_000; i++) room.disconnect(room.connect());
  const stays = room.connect();
  const speaks = room.connect();
  room.message(speaks, 'hello');
  room.disconnect(speaks);
  assert.equal(stays.closed, undefined);
  const verbs = room.start().events.map(([verb]) => verb);
  assert.deepEqual(verbs, ['connect', 'connect', 'message', 'disconnect']);
});

test('a client whose connect was given to a program is reported as gone, even if that program died', () => {
  const room = new Room();
  room.start();
  const ana = room.connect();
  room.conversation.ended('crashed');
  room.disconnect(ana);
  assert.deepEqual(
    room.start().events.map(([verb]) => verb),
    ['connect', 'disconnect'],
  );
});

test('handshakes that are given up before the program was asked cost nothing', () => {
  const room = new Room({ waiting: { events: 200, bytes: 1_000_000 } });
  room.start({ acknowledges: true, checks: true });
  room.conversation.ended('killed');
  for (let i = 0; i < 2_000; i++) {
    const request = { remoteAddress: '192.0.2.7', url: '/', headers: {}, protocols: [] } as never;
    assert.ok(room.conversation.upgrade(request) instanceof Promise);
    room.conversation.giveUp(request);
  }
  assert.deepEqual(room.start({ acknowledges: true, checks: true }).events, []);
});

test('a program that acknowledges nothing and does not read is given no more until it has read', async () => {
  const room = new Room();
  const program = room.start({});
  const ana = room.connect();
  program.reads = false;
  room.message(ana, 'one');
  room.message(ana, 'two');
  room.message(ana, 'three');
  assert.deepEqual(program.events.length, 2);
  await program.read();
  assert.deepEqual(program.events.slice(2), [
    ['message', 1, 'two'],
    ['message', 1, 'three'],
  ]);
  program.reads = false;
  room.message(ana, 'four');
  room.message(ana, 'five');
  room.clock.advance(60_500);
  assert.equal(program.failure, 'PROGRAM_TIMEOUT');
  room.conversation.ended('crashed');
  assert.deepEqual(room.start({}).events, [['message', 1, 'five']]);
});

test('a program that acknowledges nothing gets everything, however much it has got before', () => {
  const later: (() => void)[] = [];
  const room = new Room({ defer: (action) => later.push(action) });
  const turn = () => {
    for (const action of later.splice(0)) action();
  };
  const program = room.start({});
  const ana = room.connect();
  for (let i = 0; i < 10; i++) {
    room.message(ana, 'x'.repeat(90_000));
    turn();
  }
  for (let i = 0; i < 50; i++) room.message(ana, 'y'.repeat(10_000));
  turn();
  turn();
  turn();
  assert.equal(program.events.length, 61);
});

test('a program that says ever more without done or flush is ended, and nothing of it takes effect', () => {
  const room = new Room();
  const program = room.start();
  const ana = room.connect();
  const line = JSON.stringify(['send', 1, 'x'.repeat(1024 * 1024)]);
  for (let i = 0; i < 63; i++) room.conversation.line(line);
  assert.equal(program.failure, undefined);
  room.conversation.line(line);
  assert.equal(program.failure, 'PROGRAM_TOO_MUCH');
  room.say(['done', 1]);
  assert.deepEqual(ana.got, []);
  room.conversation.ended('crashed');
  const next = room.start();
  assert.deepEqual(
    next.events.map(([verb]) => verb),
    ['connect'],
  );
});

test('what a program that acknowledges nothing had not read when it died is counted in the log', () => {
  const room = new Room();
  room.start({});
  const ana = room.connect();
  for (const message of ['one', 'two', 'three']) room.message(ana, message);
  room.conversation.ended('killed', 1_000); // the system counts each write as more than it is
  assert.deepEqual(
    room.logged.map(({ level, fields, sentence }) => [level, fields.lost, sentence]),
    [['error', 2, 'the program php chat.php had not read all that it was given: up to 2 events are lost']],
  );
  room.start({});
  room.message(ana, 'four');
  room.conversation.ended('killed');
  room.start({});
  room.conversation.ended('killed', 1_000);
  assert.equal(room.logged.length, 1);
});

test('of a program that acknowledges, nothing counts as lost', () => {
  const room = new Room();
  room.start();
  room.message(room.connect(), 'one');
  room.conversation.ended('killed', 1_000_000);
  assert.deepEqual(room.logged, []);
});
