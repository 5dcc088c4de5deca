import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError, type Subscribed, type Welcome } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { Guest, square } from './fake-wire.ts';

const CHANNEL = 'chat:42';
const WITH_USERS = { connect: ({ token }: { token: string | undefined }) => (token ? { user: token } : {}) };
const PRESENCE = { ...WITH_USERS, channels: { '*': { presence: true } }, linger: 5_000 };

test('the welcome has the user and the token that the application answered, if any', async () => {
  const connect = ({ token }: { token: string | undefined }) => (token ? { user: token, token: 'renewed' } : {});
  const { hub, fanOut } = await square({ connect });
  const ana = (await new Guest(hub, fanOut).ask('hi', { token: 'ana' })) as Welcome;
  assert.deepEqual([ana.user, ana.token], ['ana', 'renewed']);
  const anonymous = (await new Guest(hub, fanOut).ask('hi')) as Welcome;
  assert.deepEqual(['user' in anonymous, 'token' in anonymous], [false, false]);
});

test('the answer lists the members, and arrivals, changes and departures are reported', async () => {
  const { guest } = await square(PRESENCE);
  const [ana, luis] = [await guest({ token: 'ana' }), await guest({ token: 'luis' })];
  const first = (await ana.ask('sub', CHANNEL, { presence: true, member: { name: 'Ana' } })) as Subscribed;
  assert.deepEqual(first.members, [{ id: 'ana', data: { name: 'Ana' } }]);
  ana.take();
  const second = (await luis.ask('sub', CHANNEL, { presence: true, member: { name: 'Luis' } })) as Subscribed;
  assert.equal(second.members?.length, 2);
  assert.deepEqual(ana.take(), [['+', first.ch, { id: 'luis', data: { name: 'Luis' } }]]);
  luis.take();
  await luis.ask('un', CHANNEL);
  assert.deepEqual(ana.take(), [['-', first.ch, 'luis']]);
  assert.deepEqual(luis.take(), []);
  assert.deepEqual(await luis.ask('get', 'presence', CHANNEL), {
    count: 1,
    members: [{ id: 'ana', data: { name: 'Ana' } }],
  });
});

test('a quick reconnect causes no events, a slow one does', async () => {
  const { hub, clock, guest } = await square(PRESENCE);
  const ana = await guest({ token: 'ana' });
  await ana.ask('sub', CHANNEL, { presence: true });
  const enter = async () => {
    const luis = await guest({ token: 'luis' });
    await luis.ask('sub', CHANNEL, { member: null });
    return luis;
  };
  const verbs = () => ana.take().flatMap(([verb]) => (verb === '+' || verb === '-' ? [verb] : []));
  let luis = await enter();
  assert.deepEqual(verbs(), ['+']);
  luis.connection.lost();
  clock.advance(4_999);
  luis = await enter();
  clock.advance(60_000);
  assert.deepEqual(verbs(), []);
  luis.connection.lost();
  assert.equal(hub.presence(CHANNEL).count, 1);
  clock.advance(5_000);
  assert.deepEqual(verbs(), ['-']);
  assert.equal(hub.presence(CHANNEL).count, 0);
});

test('by its ticket an anonymous client stays a member, and replaces a connection whose loss was not noticed yet', async () => {
  const { hub, clock, fanOut, guest } = await square(PRESENCE);
  const ana = await guest({ token: 'ana' });
  await ana.ask('sub', CHANNEL, { presence: true });
  const enter = async (hello: object) => {
    const one = new Guest(hub, fanOut);
    const welcome = (await one.ask('hi', hello)) as Required<Welcome>;
    await one.ask('sub', CHANNEL, { member: 'x' });
    return { one, ...welcome };
  };
  const first = await enter({});
  const second = await enter({ resume: first.ticket });
  assert.deepEqual([first.resumed, second.resumed], [false, true]);
  assert.deepEqual(first.one.take().at(-1), ['bye', 'REPLACED', {}]);
  second.one.connection.lost();
  clock.advance(4_999);
  const third = await enter({ resume: second.ticket });
  assert.equal(third.resumed, true);
  clock.advance(60_000);
  assert.equal(ana.take().filter(([verb]) => verb === '+' || verb === '-').length, 1);
  assert.deepEqual(hub.presence(CHANNEL).members, [{ id: first.connection, data: 'x' }]);
  // A ticket is good once, for a while, and for the same user.
  assert.equal((await enter({ resume: first.ticket })).resumed, false);
  assert.equal((await enter({ resume: third.ticket, token: 'ana' })).resumed, false);
  const fourth = await enter({});
  fourth.one.connection.lost();
  clock.advance(5_000);
  assert.equal((await enter({ resume: fourth.ticket })).resumed, false);
});

test('a user with two connections is one member until the last one has ended', async () => {
  const { clock, guest } = await square(PRESENCE);
  const ana = await guest({ token: 'ana' });
  await ana.ask('sub', CHANNEL, { presence: true });
  const luis = [await guest({ token: 'luis' }), await guest({ token: 'luis' })];
  for (const one of luis) await one.ask('sub', CHANNEL, { member: 'x' });
  luis[0]!.connection.lost();
  clock.advance(60_000);
  assert.equal(ana.take().filter(([verb]) => verb === '+' || verb === '-').length, 1);
  luis[1]!.connection.lost();
  clock.advance(60_000);
  assert.deepEqual(ana.take()[0]?.slice(0, 1), ['-']);
});

test('a channel that only counts sends the count, at most once a second', async () => {
  const { clock, guest } = await square({ channels: { '*': { presence: 'count' } } });
  const ana = await guest();
  assert.equal(((await ana.ask('sub', CHANNEL, { presence: true })) as Subscribed).count, 0);
  ana.take();
  for (let n = 0; n < 10; n++) await (await guest()).ask('sub', CHANNEL, { member: n });
  assert.deepEqual(ana.take(), []);
  clock.advance(1_000);
  assert.deepEqual(
    ana.take().map(([verb, , count]) => [verb, count]),
    [['n', 10]],
  );
});

test('a user receives on all connections what is sent to them, and can be disconnected', async () => {
  const { hub, guest } = await square(WITH_USERS);
  const [ana, luis, mobile] = [
    await guest({ token: 'ana' }),
    await guest({ token: 'luis' }),
    await guest({ token: 'luis' }),
  ];
  assert.deepEqual(hub.users, ['ana', 'luis']);
  assert.equal(hub.user('luis').send({ text: 'psst' }), 2);
  assert.equal(hub.user('nobody').send('?'), 0);
  for (const one of [luis, mobile]) assert.deepEqual(one.take(), [['to', { text: 'psst' }]]);
  assert.deepEqual(ana.take(), []);
  hub.user('luis').disconnect();
  for (const one of [luis, mobile]) {
    assert.deepEqual(one.take(), [['bye', 'CLOSED', {}]]);
    assert.equal(one.wire.closed?.[0], 1000);
  }
  assert.deepEqual(hub.users, ['ana']);
});

test('a user can be removed from one channel, and is told so', async () => {
  const { hub, guest } = await square(WITH_USERS);
  const ana = await guest({ token: 'ana' });
  await ana.ask('sub', CHANNEL);
  ana.take();
  hub.user('ana').unsubscribe(CHANNEL, 'FORBIDDEN', 'you were removed from the room');
  await hub.publish(CHANNEL, 1);
  assert.deepEqual(ana.take(), [['end', CHANNEL, 'FORBIDDEN', 'you were removed from the room']]);
  assert.deepEqual(ana.wire.closed, null);
});

test('the server can watch channels by pattern, and a failing watcher is reported', async () => {
  const { hub, errors } = await square();
  const heard: unknown[] = [];
  const times: number[] = [];
  const stop = await hub.watch('sensor:*', (channel, data, [, offset], { user, time }) => {
    heard.push([channel, data, offset, user]);
    times.push(time);
  });
  await hub.watch('sensor:oven', () => {
    throw new Error('too hot');
  });
  await hub.publish('sensor:kitchen', 21.5);
  await hub.publish('other', 1);
  await hub.publish('sensor:oven', 180, { user: 'ana' });
  stop();
  await hub.publish('sensor:kitchen', 22);
  assert.deepEqual(heard, [
    ['sensor:kitchen', 21.5, 1, undefined],
    ['sensor:oven', 180, 1, 'ana'],
  ]);
  assert.ok(times.every((time) => Math.abs(time - Date.now()) < 3_600_000));
  assert.match(errors[0]!.message, /sensor:oven failed: too hot/);
});

test('a call is answered by its method, whose errors are the answer or are reported', async () => {
  const { hub, errors, guest } = await square(WITH_USERS);
  hub.method('add', (data) => (data as number[]).reduce((a, b) => a + b));
  hub.method('who', async (_, { user }) => user);
  hub.method('nothing', () => {});
  hub.method('refuse', () => {
    throw new ProtocolError('TOO_LATE', 'the shop is closed');
  });
  hub.method('fail', async () => {
    throw new Error('a bug');
  });
  hub.method('circle', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    return circle;
  });
  const ana = await guest({ token: 'ana' });
  assert.equal(await ana.ask('call', 'add', [1, 2]), 3);
  assert.equal(await ana.ask('call', 'who'), 'ana');
  assert.equal(await ana.ask('call', 'nothing'), null);
  assert.equal(await ana.ask('call', 'refuse'), 'TOO_LATE');
  assert.equal(await ana.ask('call', 'fail'), 'INTERNAL');
  assert.match(errors[0]!.message, /a bug/);
  assert.equal(await ana.ask('call', 'circle'), 'INTERNAL');
  assert.throws(() => hub.method('add', () => 0), { code: 'BAD_OPTION' });
  assert.equal(ana.wire.closed, null);
});

test('a limited number of calls of a connection run at a time', async () => {
  const { hub, guest } = await square({ limits: { calls: 2 } });
  const finish: (() => void)[] = [];
  hub.method('wait', () => new Promise<void>((resolve) => finish.push(resolve)));
  const ana = await guest();
  ana.say(['call', 100, 'wait', null], ['call', 101, 'wait', null]);
  await settle();
  assert.equal(await ana.ask('call', 'wait'), 'RATE_LIMITED');
  for (const done of finish) done();
  await settle();
  ana.say(['call', 102, 'wait', null]);
  await settle();
  assert.equal(finish.length, 3);
});

test('the hub pings all connections, and answers pings', async () => {
  const { clock, guest } = await square();
  const ana = await guest();
  clock.advance(25_000);
  ana.say([]);
  assert.deepEqual(ana.take(), [[], [1]]);
});

test('a closing hub tells clients to reconnect', async () => {
  const { hub, guest, clock } = await square();
  const ana = await guest();
  await ana.ask('sub', CHANNEL);
  ana.take();
  await hub.close();
  assert.deepEqual(ana.take(), [['bye', 'SHUTTING_DOWN', { after: 1000 }]]);
  assert.equal(clock.pending, 0);
});

test('one call publishes to many channels, and a key makes it safe to repeat after a partial failure', async () => {
  const { hub, guest } = await square({ channels: { '*': {}, small: { maxData: 3 } } });
  const ana = await guest();
  await ana.ask('sub', 'a');
  await ana.ask('sub', 'b');
  ana.take();
  const positions = await hub.publish(['a', 'b'], 'hola', { key: 'k1' });
  assert.deepEqual(
    positions.map(([, offset]) => offset),
    [1, 1],
  );
  assert.deepEqual(await hub.publish(['a', 'b'], 'hola', { key: 'k1' }), positions);
  await assert.rejects(hub.publish(['a', 'small', 'b'], 'adiós', { key: 'k2' }), { code: 'TOO_LARGE' });
  await assert.rejects(hub.publish(['a', 'no name'], 'never'), { code: 'BAD_OPTION' });
  assert.deepEqual(
    ana.publications().map((publication) => (publication as unknown[])[1]),
    ['hola', 'hola', 'adiós', 'adiós'],
  );
});

test('a connection can be found by its id, sent data, and disconnected', async () => {
  const { hub, guest } = await square();
  const ana = await guest();
  await ana.ask('sub', 'a');
  ana.take();
  const connection = hub.connection(ana.connection.id);
  connection?.send('psst');
  assert.equal(connection?.unsubscribe('a'), true);
  connection?.disconnect('enough');
  assert.deepEqual(
    ana.take().map((line) => line.slice(0, 2)),
    [
      ['to', 'psst'],
      ['end', 'a'],
      ['bye', 'CLOSED'],
    ],
  );
  assert.equal(hub.connection(ana.connection.id), undefined);
});

test('answers that nobody waits for are ignored, and malformed ones are no answers to requests', async () => {
  const { hub, guest } = await square(WITH_USERS);
  const ana = await guest({ token: 'ana' });
  ana.connection.receive('["ok",1,2]\n["err",1,"NO","no"]\n["ok"]\n["err",7,8]');
  await settle();
  const codes = ana.wire.got.map(([verb, id, code]) => [verb, id, code]);
  assert.deepEqual(codes.slice(-2), Array(2).fill(['err', 0, 'BAD_MESSAGE'])); // biome-ignore format: one line
  assert.equal(await ana.ask('offer', Array(101).fill('confirm')), 'BAD_MESSAGE');
  assert.equal(await ana.ask('offer', ['confirm', '']), 'BAD_MESSAGE');
  await ana.ask('offer', ['confirm', 'rename']);
  await ana.ask('offer', ['rename']);
  await assert.rejects(hub.user('ana').call('confirm'), { code: 'NO_SUCH_METHOD' });
  ana.take();
  const renamed = hub.user('ana').call('rename', 1e21);
  await settle();
  assert.deepEqual(ana.take(), [['ask', 1, 'rename', 1e21]]);
  ana.connection.receive('["ok",1,"anita"]\n["ok",1,"twice"]');
  assert.equal(await renamed, 'anita');
});
