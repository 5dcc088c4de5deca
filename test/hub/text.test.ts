import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/protocol/index.ts';
import { FakeWire, settle, square } from './fake-wire.ts';

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
  return { hub, clock, guest, errors, join };
}

test('a channel says how its data looks as text, both ways', async () => {
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

test('what is nothing to be shown as text is left out', async () => {
  const { hub, join } = await room();
  const { wire } = await join();
  await hub.publish('chat:42', { typing: true, name: 'Luis' }, { keep: false });
  assert.deepEqual(wire.texts, []);
});

test('a line that is nothing to be published is passed over', async () => {
  const { hub, join } = await room();
  const { wire, connection } = await join();
  connection.receive(' ');
  connection.receive('hola');
  await settle();
  assert.equal(wire.closed, null);
  assert.equal((await hub.history('chat:42')).entries.length, 1);
});

test('data that cannot be shown as text is reported, and the others get it', async () => {
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

test('a text connection is one of its user, is reached by send, and ends with the user', async () => {
  const { hub, join } = await room(() => ({ user: 'ana' }));
  const { wire } = await join();
  assert.deepEqual(hub.users, ['ana']);
  hub.user('ana').send({ hola: 1 });
  assert.deepEqual(wire.texts, ['{"hola":1}']);
  hub.user('ana').disconnect();
  assert.equal(wire.closed?.[0], 1000);
  assert.deepEqual(hub.users, []);
});

test('a text connection ends when what let it in expires', async () => {
  const { clock, join } = await room(() => ({ user: 'ana', expiresIn: 1000 }));
  const { wire } = await join();
  clock.advance(1000);
  assert.equal(wire.closed?.[0], 1008);
});

test('who is ended while they are still being let in does not come in', async () => {
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

test('who is gone before it is known who they are leaves nothing behind', async () => {
  const identity = Promise.withResolvers<{ user: string }>();
  const { hub } = await square({ connect: () => identity.promise });
  const connection = hub.connectText(new FakeWire(), 'chat:42');
  await settle();
  connection.lost();
  identity.resolve({ user: 'ana' });
  await settle();
  assert.deepEqual([hub.connections.length, hub.users, hub.channels], [0, [], []]);
});
