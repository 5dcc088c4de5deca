import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Broker, memory } from '../../src/broker/index.ts';
import { ZocaloError } from '../../src/errors.ts';
import { Hub, type HubOptions } from '../../src/hub/index.ts';
import { ProtocolError } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { Guest, square } from './fake-wire.ts';

const CHANNEL = 'chat:42';

/** The code of the answer to a line that may be anything. */
async function codeOf(guest: Guest, line: string): Promise<unknown> {
  guest.connection.receive(line);
  await settle();
  const error = guest.wire.got.findLast(([verb]) => verb === 'err');
  return error?.[2];
}

test('each kind of bad line has its code, and does not affect other lines', async () => {
  const channels: HubOptions['channels'] = {
    'chat:*': { maxData: 20, history: false },
    'secret:*': { subscribe: false, publish: (who) => who.user === 'ana' },
  };
  const { hub, guest } = await square({ channels, limits: { errors: 100 } });
  const ana = await guest();
  for (const [line, code] of [
    ['', 'BAD_MESSAGE'],
    ['{"verb":"sub"}', 'BAD_MESSAGE'],
    ['["sub",1', 'BAD_MESSAGE'],
    ['["dance",1]', 'UNKNOWN_VERB'],
    ['["sub","one","chat:42"]', 'BAD_MESSAGE'],
    ['["sub",1,"chat 42"]', 'BAD_CHANNEL'],
    ['["sub",1,"$own"]', 'BAD_CHANNEL'],
    ['["sub",1,42]', 'BAD_MESSAGE'],
    ['["sub",1,"chat:42",{"at":"yesterday"}]', 'BAD_MESSAGE'],
    ['["sub",1,"chat:42",{"credit":-1}]', 'BAD_MESSAGE'],
    ['["sub",1,"other"]', 'FORBIDDEN'],
    ['["sub",1,"secret:42"]', 'FORBIDDEN'],
    ['["pub",1,"secret:42","x"]', 'FORBIDDEN'],
    ['["get",1,"history","secret:42"]', 'FORBIDDEN'],
    ['["sub",1,"chat:*"]', 'NOT_OFFERED'],
    ['["sub",1,"chat:42",{"presence":true}]', 'NOT_OFFERED'],
    ['["get",1,"presence","chat:42"]', 'NOT_OFFERED'],
    ['["get",1,"history","chat:42"]', 'NOT_OFFERED'],
    ['["un",1,"chat:42"]', 'NOT_SUBSCRIBED'],
    ['["pub",1,"chat:42","a text of too many characters"]', 'TOO_LARGE'],
    ['["call",1,"fly"]', 'NO_SUCH_METHOD'],
    ['["hi",1]', 'HI_FIRST'],
  ] as const)
    assert.equal(await codeOf(ana, line), code, line);
  assert.equal(ana.wire.closed, null);
  await ana.ask('sub', CHANNEL);
  assert.equal(await ana.ask('sub', CHANNEL), 'ALREADY_SUBSCRIBED');
  await hub.publish(CHANNEL, 'hola');
  assert.deepEqual(ana.publications(), [[1, 'hola']]);
});

test('data over the limit is measured in bytes, and the server itself has the same limit', async () => {
  const { hub, guest } = await square({ channels: { '*': { maxData: 10 } } });
  const ana = await guest();
  assert.equal(await ana.publish(CHANNEL, 'ññññ'), 1);
  assert.equal(await ana.ask('pub', CHANNEL, 'ñññññ'), 'TOO_LARGE');
  await assert.rejects(hub.publish(CHANNEL, 'x'.repeat(9)), { code: 'TOO_LARGE' });
  await assert.rejects(hub.publish(CHANNEL, undefined), { code: 'BAD_DATA' });
  await assert.rejects(hub.publish(CHANNEL, 1n), { code: 'BAD_DATA' });
  await assert.rejects(hub.publish('no name', 1), { code: 'BAD_OPTION' });
});

test('before hi, only hi is answered, and a connection without it in time is closed', async () => {
  const { hub, clock, fanOut } = await square();
  const mute = new Guest(hub, fanOut);
  assert.equal(await mute.ask('sub', CHANNEL), 'HI_FIRST');
  clock.advance(9_999);
  assert.equal(mute.wire.closed, null);
  clock.advance(1);
  assert.equal(mute.wire.closed?.[0], 1008);
  const polite = new Guest(hub, fanOut);
  await polite.ask('hi');
  clock.advance(60_000);
  assert.equal(polite.wire.closed, null);
});

test('repeated abuse closes that one connection', async () => {
  const { guest } = await square();
  const [bad, good] = [await guest(), await guest()];
  await good.ask('sub', CHANNEL);
  bad.connection.receive('nonsense\n'.repeat(30));
  assert.deepEqual(bad.take().at(-1), ['bye', 'TOO_MANY_ERRORS', { after: 1000 }]);
  assert.equal(bad.wire.closed?.[0], 1013);
  bad.connection.receive('["pub",1,"chat:42","too late"]');
  assert.equal(await good.publish(CHANNEL, 1), 1);
  assert.deepEqual(good.publications(), [[1, 1]]);
});

test('a client that is disconnected for too many errors first gets the answers to what is being stored', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { hub, guest } = await square({}, (broker) => {
    const publish = broker.publish.bind(broker);
    broker.publish = async (...publication) => {
      await gate;
      return publish(...publication);
    };
    return broker;
  });
  const bad = await guest();
  const lines = ['["pub",7,"chat:42","stored"]', ...Array(30).fill('nonsense'), '["pub",8,"chat:42","not taken"]'];
  bad.connection.receive(lines.join('\n'));
  bad.connection.receive('["pub",9,"chat:42","too late"]');
  await settle();
  assert.equal(bad.wire.closed, null);
  release();
  await settle();
  const told = bad.wire.got.filter(([verb]) => verb === 'ok' || verb === 'bye');
  assert.deepEqual(
    told.map(([verb, id]) => [verb, id]),
    [
      ['ok', 7],
      ['bye', 'TOO_MANY_ERRORS'],
    ],
  );
  assert.equal(bad.wire.closed?.[0], 1013);
  assert.deepEqual(
    (await hub.history('chat:42')).entries.map(([, data]) => data),
    ['stored'],
  );
});

test('occasional errors are not abuse, up to a tenth of the limit in each second', async () => {
  const { clock, guest } = await square({ limits: { errors: 20 } });
  const ana = await guest();
  for (let n = 0; n < 300; n++) {
    assert.equal(await codeOf(ana, '["dance",1]'), 'UNKNOWN_VERB');
    clock.advance(500);
  }
  assert.equal(ana.wire.closed, null);
});

test('a client with too many requests is told how long to wait', async () => {
  const { clock, guest } = await square({ limits: { requests: 10 } });
  const ana = await guest();
  for (let n = 1; n < 20; n++) assert.equal(await ana.publish(CHANNEL, n), n);
  assert.equal(await ana.ask('pub', CHANNEL, 20), 'RATE_LIMITED');
  assert.deepEqual(ana.wire.got.at(-1)?.[4], 100);
  clock.advance(100);
  assert.equal(await ana.publish(CHANNEL, 20), 20);
});

test('a client with too many bytes is told how long to wait', async () => {
  const { clock, guest } = await square({ limits: { bytes: 100 } });
  const ana = await guest();
  const data = 'x'.repeat(700);
  assert.equal(await ana.publish(CHANNEL, data), 1);
  assert.equal(await ana.publish(CHANNEL, data), 'RATE_LIMITED');
  clock.advance(Number(ana.wire.got.at(-1)?.[4]));
  assert.equal(await ana.publish(CHANNEL, data), 2);
});

test('a channel has its own rate', async () => {
  const { clock, guest } = await square({ channels: { '*': {}, 'slow:*': { rate: 1 } } });
  const ana = await guest();
  for (let n = 1; n <= 2; n++) assert.equal(await ana.publish('slow:1', n), n);
  assert.equal(await ana.ask('pub', 'slow:1', 3), 'RATE_LIMITED');
  assert.equal(await ana.publish('fast:1', 3), 1);
  clock.advance(1_000);
  assert.equal(await ana.publish('slow:1', 3), 3);
});

test('a connection has a limited number of subscriptions', async () => {
  const { guest } = await square({ limits: { subscriptions: 2 } });
  const ana = await guest();
  await ana.ask('sub', 'a');
  await ana.ask('sub', 'b');
  assert.equal(await ana.ask('sub', 'c'), 'TOO_MANY_SUBSCRIPTIONS');
  await ana.ask('un', 'a');
  assert.equal(await ana.subscribe('c'), 0);
});

test('the program decides who may connect and who may do what, also asynchronously', async () => {
  const { hub, fanOut, errors, guest } = await square({
    connect: async ({ token }) => {
      if (token === 'broken') throw new Error('the database is away');
      if (token === 'later') throw new ProtocolError('UNAVAILABLE', 'come back', 50);
      return token ? { user: token, data: { role: token === 'ana' ? 'admin' : 'guest' } } : null;
    },
    channels: {
      '*': {
        publish: async (who) => (who.data as { role: string }).role === 'admin',
        subscribe: (who, channel) => channel !== `private:${who.user}x`,
      },
    },
  });
  const nobody = new Guest(hub, fanOut);
  assert.equal(await nobody.ask('hi'), 'UNAUTHORIZED');
  assert.deepEqual(nobody.take().at(-1), ['bye', 'UNAUTHORIZED', {}]);
  const unlucky = new Guest(hub, fanOut);
  assert.equal(await unlucky.ask('hi', { token: 'broken' }), 'INTERNAL');
  assert.match(errors[0]!.message, /the database is away/);
  assert.equal(await unlucky.ask('hi', { token: 'later' }), 'UNAVAILABLE');
  const [ana, luis] = [await guest({ token: 'ana' }), await guest({ token: 'luis' })];
  assert.equal(await ana.publish(CHANNEL, 1), 1);
  assert.equal(await luis.ask('pub', CHANNEL, 1), 'FORBIDDEN');
  assert.equal(await luis.ask('sub', 'private:luisx'), 'FORBIDDEN');
  assert.equal(await luis.ask('auth', 'ana'), 'UNAUTHORIZED');
  assert.equal(await luis.ask('auth', 'luis'), null);
});

test('a connection that is lost while its new token is checked leaves no timer behind', async () => {
  const checked = Promise.withResolvers<void>();
  const connect = async ({ token }: { token: string | undefined }) => {
    if (token === 'new') await checked.promise;
    return { user: 'ana', expiresIn: 60_000 };
  };
  const { clock, guest } = await square({ connect });
  const ana = await guest();
  ana.connection.receive('["auth",2,"new"]');
  await settle();
  ana.connection.lost();
  const { pending } = clock;
  checked.resolve();
  await settle();
  assert.equal(clock.pending, pending);
});

test('an expired token ends its connection, unless a new one arrives in time', async () => {
  const { clock, guest } = await square({ connect: () => ({ user: 'ana', expiresIn: 60_000 }) });
  const [careful, careless] = [await guest(), await guest()];
  clock.advance(59_999);
  await careful.ask('auth', 'new');
  clock.advance(1);
  assert.equal(careful.wire.closed, null);
  assert.deepEqual(careless.take().at(-1), ['bye', 'UNAUTHORIZED', { reason: 'TOKEN_EXPIRED' }]);
  clock.advance(60_000);
  assert.equal(careful.wire.closed?.[0], 1008);
});

test('lines that wait for the same permission keep their order, and later lines wait behind them', async () => {
  const grants: (() => void)[] = [];
  const publish = () => new Promise<boolean>((resolve) => grants.push(() => resolve(true)));
  const { hub, guest } = await square({ channels: { '*': { publish } }, limits: { waiting: 5 } });
  const ana = await guest();
  ana.say(['pub', 1, CHANNEL, 'first', {}], ['pub', 2, CHANNEL, 'second', {}], ['sub', 3, CHANNEL, {}]);
  await settle();
  assert.equal(grants.length, 1);
  for (const grant of [0, 1]) {
    grants[grant]!();
    await settle();
  }
  const { entries } = await hub.history(CHANNEL);
  assert.deepEqual(
    entries.map(([, data]) => data),
    ['first', 'second'],
  );
  for (let id = 4; id < 12; id++) ana.say(['pub', id, CHANNEL, id, {}]);
  assert.equal(ana.wire.closed?.[0], 1013);
});

test('exactly as many lines as the limit wait behind an undecided one', async () => {
  const publish = () => new Promise<boolean>(() => {});
  const { guest } = await square({ channels: { '*': { publish } }, limits: { waiting: 3 } });
  const ana = await guest();
  ana.say(['pub', 1, CHANNEL, 'held', {}]);
  await settle();
  for (const id of [2, 3, 4]) ana.say(['un', id, CHANNEL]);
  assert.equal(ana.wire.closed, null);
  ana.say(['un', 5, CHANNEL]);
  assert.deepEqual(ana.take().at(-1), ['bye', 'RATE_LIMITED', { after: 1000 }]);
});

test('a log that stores nothing makes publishing fail visibly, and acknowledged publications are still delivered', async () => {
  let full = false;
  const { hub, errors, guest } = await square({}, (broker: Broker) => {
    const publish = broker.publish.bind(broker);
    broker.publish = (...args) =>
      full ? Promise.reject(new ZocaloError('LOG_FULL', 'the disk is full')) : publish(...args);
    return broker;
  });
  const ana = await guest();
  await ana.ask('sub', CHANNEL);
  await ana.ask('pub', CHANNEL, 1);
  full = true;
  assert.equal(await ana.ask('pub', CHANNEL, 2), 'UNAVAILABLE');
  await assert.rejects(hub.publish(CHANNEL, 2), { code: 'LOG_FULL' });
  assert.equal(errors[0]?.code, 'LOG_FULL');
  const luis = await guest();
  await luis.ask('sub', CHANNEL, { recent: 1 });
  for (const one of [ana, luis]) assert.deepEqual(one.publications(), [[1, 1]]);
  full = false;
  assert.equal(await ana.publish(CHANNEL, 2), 2);
});

test('invalid options are refused at once', async () => {
  const { broker } = await square();
  assert.throws(() => new Hub({ broker, channels: { 'a b': {} } }), { code: 'BAD_OPTION' });
  assert.throws(() => new Hub({ broker, channels: { '*': { history: { ttl: 'a week' } } } }), { code: 'BAD_OPTION' });
});

test('credit is never lost to the rate of requests', async () => {
  const { hub, guest } = await square({ limits: { requests: 4, errors: 1_000 } });
  const [epoch] = await hub.publish('chat:42', 0);
  for (let data = 1; data < 30; data++) await hub.publish('chat:42', data);
  const ana = await guest();
  const { ch } = (await ana.ask('sub', 'chat:42', { at: [epoch, 0], credit: 1 })) as { ch: number };
  for (let count = 0; count < 29; count++) ana.say(['more', ch, 1]);
  await settle();
  assert.equal(ana.publications().length, 30);
});

test('a hub whose broker cannot be opened can still be closed', async () => {
  const inner = memory();
  const broker = Object.assign(Object.create(inner), { open: () => Promise.reject(new Error('locked')) });
  const hub = new Hub({ broker });
  await assert.rejects(hub.open(), /locked/);
  await hub.close();
});
