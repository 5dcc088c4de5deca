import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broker } from '../../src/broker/index.ts';
import { ZocaloError } from '../../src/errors.ts';
import { ProtocolError } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { FakeWire, square } from './fake-wire.ts';

const ROOM = {
  channels: {
    'chat:*': {
      text: {
        in: (line: string, who: { user: string | undefined }) => {
          if (line === ' ') return undefined;
          if (line === '') throw new ProtocolError('BAD_DATA', 'say something');
          return { text: line, name: who.user ?? 'guest' };
        },
        out: (data: unknown) => {
          const { text, name } = data as { text?: string; name: string };
          return text === undefined ? undefined : `${name}: ${text}`;
        },
      },
    },
  },
};

async function room(connect = () => ({}) as { user?: string; expiresIn?: number }) {
  const { hub, fanOut, clock, guest, errors } = await square({ ...ROOM, connect });
  const join = async () => {
    const wire = new FakeWire();
    wire.plain = true;
    fanOut.wires.add(wire);
    const connection = hub.connectText(wire, 'chat:42');
    await settle();
    return { wire, connection };
  };
  return { hub, clock, guest, errors, join, fanOut };
}

test("a channel's options convert its data to text and back", async () => {
  const { hub, join, guest } = await room();
  const ana = await guest();
  await ana.ask('sub', 'chat:42');
  ana.take();
  const { wire, connection } = await join();
  await hub.publish('chat:42', { text: 'hola', name: 'Luis' });
  connection.receive('buenas');
  await settle();
  assert.deepEqual(wire.texts, ['Luis: hola']);
  assert.deepEqual(
    ana.publications().map((publication) => (publication as unknown[])[1]),
    [
      { text: 'hola', name: 'Luis' },
      { text: 'buenas', name: 'guest' },
    ],
  );
});

test('data without a text form is left out', async () => {
  const { hub, join } = await room();
  const { wire } = await join();
  await hub.publish('chat:42', { typing: true, name: 'Luis' }, { keep: false });
  assert.deepEqual(wire.texts, []);
});

test('a line without data to publish is ignored', async () => {
  const { hub, join } = await room();
  const { wire, connection } = await join();
  connection.receive(' ');
  connection.receive('hola');
  await settle();
  assert.equal(wire.closed, null);
  assert.equal((await hub.history('chat:42')).entries.length, 1);
});

test('data whose text form fails is reported, and other readers get it', async () => {
  const { hub, join, guest, errors } = await room();
  const ana = await guest();
  await ana.ask('sub', 'chat:42');
  const { wire } = await join();
  await hub.publish('chat:42', null);
  await settle();
  assert.deepEqual(wire.texts, []);
  assert.equal(ana.publications().length, 1);
  assert.equal(errors.length, 1);
});

test('a text connection belongs to its user, is reached by send, and ends with the user', async () => {
  const { hub, join } = await room(() => ({ user: 'ana' }));
  const { wire } = await join();
  assert.deepEqual(hub.users, ['ana']);
  hub.user('ana').send({ hola: 1 });
  assert.deepEqual(wire.texts, ['{"hola":1}']);
  hub.user('ana').disconnect();
  assert.equal(wire.closed?.[0], 1000);
  assert.deepEqual(hub.users, []);
});

test('a text connection that is gone gets nothing more, and its channel encodes no text in vain', async () => {
  const { hub, join, guest, fanOut } = await room();
  await (await guest()).subscribe('chat:42');
  const { wire, connection } = await join();
  assert.equal(hub.subscribers('chat:42'), 2);
  connection.lost();
  assert.equal(hub.subscribers('chat:42'), 1);
  const { published } = fanOut;
  await hub.publish('chat:42', { text: 'hola', name: 'Luis' });
  assert.deepEqual(wire.texts, []);
  assert.equal(wire.topics.size, 0);
  assert.equal(fanOut.published, published + 1);
});

test('a text connection that was ended before its socket is gone leaves once', async () => {
  const { hub, join } = await room();
  await join();
  const { connection } = await join();
  connection.end('CLOSED');
  connection.lost();
  assert.equal(hub.subscribers('chat:42'), 1);
});

test('a text connection ends when its identity expires', async () => {
  const { clock, join } = await room(() => ({ user: 'ana', expiresIn: 1000 }));
  const { wire } = await join();
  clock.advance(1000);
  assert.equal(wire.closed?.[0], 1008);
});

test('a connection that is ended while it is being identified is not accepted', async () => {
  const permission = Promise.withResolvers<boolean>();
  const { hub, fanOut } = await square({
    channels: { 'chat:*': { subscribe: () => permission.promise } },
    connect: () => ({ user: 'ana' }),
  });
  const wire = new FakeWire();
  wire.plain = true;
  fanOut.wires.add(wire);
  hub.connectText(wire, 'chat:42');
  await settle();
  for (const connection of hub.user('ana').connections) connection.end('UNAUTHORIZED', 'revoked');
  permission.resolve(true);
  await settle();
  assert.deepEqual(wire.closed, [1008, 'UNAUTHORIZED: revoked']);
  assert.deepEqual([hub.connections.length, hub.users, hub.channels], [0, [], []]);
  await hub.publish('chat:42', 'secret');
  assert.deepEqual(wire.texts, []);
});

test('a client that disconnects before it is identified leaves nothing behind', async () => {
  const identity = Promise.withResolvers<{ user: string }>();
  const { hub } = await square({ connect: () => identity.promise });
  const connection = hub.connectText(new FakeWire(), 'chat:42');
  await settle();
  connection.lost();
  identity.resolve({ user: 'ana' });
  await settle();
  assert.deepEqual([hub.connections.length, hub.users, hub.channels], [0, [], []]);
});

/** A text connection to a hub whose log can refuse for a while. */
async function sender(options: Parameters<typeof square>[0] = {}) {
  const log = { isDown: false };
  const { hub, fanOut, clock, errors } = await square(options, (broker) => ({
    ...forwarded(broker),
    publish: (channel, publication) =>
      log.isDown
        ? Promise.reject(new ZocaloError('LOG_FAILED', 'the disk is full'))
        : broker.publish(channel, publication),
  }));
  const wire = new FakeWire();
  wire.plain = true;
  fanOut.wires.add(wire);
  const connection = hub.connectText(wire, 'news');
  await settle();
  const stored = async () => (await hub.history('news', { limit: 10_000 })).entries.map(([, data]) => data);
  return { hub, wire, clock, connection, stored, log, errors };
}

/** Sends as a socket does that is held back: the next one when the last is taken. */
function sendAll(connection: Awaited<ReturnType<typeof sender>>['connection'], count: number) {
  const progress = { sent: 0 };
  const all = (async () => {
    while (progress.sent < count) {
      const held = connection.receive(String(++progress.sent));
      if (held) await held;
    }
  })();
  return { progress, all };
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n + 1));

test('a sender is held back from 64 texts or 64 KiB on that the log has not yet', async () => {
  for (const [text, count] of [
    ['x', 64] as const,
    ['x'.repeat(1_024), 64] as const,
    ['x'.repeat(65_536), 1] as const,
  ]) {
    const { connection } = await sender({ channels: { '*': { maxData: 1e6 } } });
    for (let n = 1; n < count; n++) assert.equal(connection.receive(text), undefined, `${n} of ${count}`);
    assert.ok(connection.receive(text) instanceof Promise);
  }
  const { connection } = await sender({ channels: { '*': { maxData: 1e6 } } });
  assert.equal(connection.receive('x'.repeat(65_535)), undefined);
});

test('a sender over its rate is held back, and every text is published in order', async () => {
  const { connection, clock, stored, wire } = await sender({ limits: { requests: 100 } });
  const { all, progress } = sendAll(connection, 1_000);
  await settle();
  assert.ok(progress.sent < 300, `${progress.sent} were taken at once`);
  for (let n = 0; n < 1_000; n++) {
    clock.advance(10);
    await settle();
  }
  await all;
  await settle();
  assert.deepEqual(await stored(), numbers(1_000));
  assert.equal(wire.closed, null);
});

test("a channel's rate and the byte rate hold a text sender back, too", async () => {
  for (const options of [{ channels: { '*': { rate: 10 } } }, { limits: { bytes: 10 } }]) {
    const { connection, clock, stored, wire } = await sender(options);
    const { all } = sendAll(connection, 70);
    await settle();
    assert.ok((await stored()).length < 70);
    for (let n = 0; n < 100; n++) {
      clock.advance(200);
      await settle();
    }
    await all;
    assert.deepEqual(await stored(), numbers(70));
    assert.equal(wire.closed, null);
  }
});

test('while the log stores nothing, a text sender is held back, and then everything is stored', async () => {
  const { connection, clock, stored, log, errors, wire } = await sender();
  log.isDown = true;
  const { all, progress } = sendAll(connection, 200);
  for (let n = 0; n < 5; n++) {
    await settle();
    clock.advance(1_000);
  }
  assert.ok(progress.sent <= 64);
  assert.ok(errors.length > 0, 'the owner is told');
  log.isDown = false;
  clock.advance(1_000);
  await all;
  await settle();
  assert.deepEqual(await stored(), numbers(200));
  assert.equal(wire.closed, null);
});

test('texts sent before a disconnection are published, and a log that fails then is reported', async () => {
  const { connection, clock, stored, log, errors } = await sender({ limits: { requests: 1 } });
  for (const text of ['1', '2', '3', '4']) connection.receive(text);
  connection.lost();
  for (let n = 0; n < 3; n++) {
    await settle();
    clock.advance(1_000);
  }
  await settle();
  assert.deepEqual(await stored(), numbers(4));
  const other = await sender();
  other.log.isDown = true;
  other.connection.receive('5');
  other.connection.lost();
  await settle();
  assert.equal(other.errors.length, 1);
  assert.deepEqual([log.isDown, errors.length], [false, 0]);
});

test('waiting texts of a disconnected user are not published', async () => {
  const { hub, connection, clock, stored, wire } = await sender({
    limits: { requests: 1 },
    connect: () => ({ user: 'ana' }),
  });
  for (const text of ['1', '2', '3', '4']) connection.receive(text);
  await settle();
  hub.user('ana').disconnect();
  clock.advance(10_000);
  await settle();
  assert.deepEqual(await stored(), ['1', '2']);
  assert.equal(wire.closed?.[0], 1000);
});

test('a sender that its transport cannot hold back is ended before it fills the memory', async () => {
  const { connection, wire } = await sender({ limits: { requests: 1, waiting: 100 } });
  for (let n = 0; n < 200; n++) connection.receive('x');
  assert.equal(wire.closed?.[0], 1013);
  assert.match(wire.closed?.[1] ?? '', /^RATE_LIMITED: /);
});

test('a log that cannot be read closes a text connection with a code after which it may reconnect', async () => {
  const { hub, fanOut } = await square({}, (broker) => ({
    ...forwarded(broker),
    state: () => Promise.reject(new ZocaloError('LOG_FAILED', 'the disk is gone')),
  }));
  const wire = new FakeWire();
  fanOut.wires.add(wire);
  hub.connectText(wire, 'news');
  await settle();
  assert.equal(wire.closed?.[0], 1013);
  assert.match(wire.closed?.[1] ?? '', /^UNAVAILABLE: /);
});

/** Its methods as they are, to replace some of them. */
function forwarded(broker: Broker): Broker {
  return {
    open: () => broker.open(),
    close: () => broker.close(),
    publish: (channel, publication) => broker.publish(channel, publication),
    state: (channel) => broker.state(channel),
    read: (channel, after, bounds) => broker.read(channel, after, bounds),
    watch: (channel, listener) => broker.watch(channel, listener),
  };
}
