import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN_CHANNELS, Admin } from '../../../src/server/admin/index.ts';
import { ADMIN_CHANNEL, type AdminNews, type Traffic } from '../../../src/server/admin/view.ts';
import { square } from '../../hub/fake-wire.ts';
import { settle } from '../../support/turn.ts';

async function place() {
  const parts = await square({
    channels: { '*': { maxData: 20 }, ...ADMIN_CHANNELS },
    connect: ({ token }) =>
      token === 'admin' ? { user: 'admin', rights: { subscribe: ['zocalo:*'] } } : token ? { user: token } : {},
  });
  const admin = new Admin(parts.hub, { clock: parts.clock, now: () => 1_000 });
  admin.start();
  const second = async () => {
    parts.clock.advance(1_000);
    await settle();
  };
  return { ...parts, admin, second };
}

/** What came through the channels, but for the presence and answers. */
function data<T>(guest: { take(): readonly (readonly unknown[])[] }): T[] {
  return guest.take().flatMap((line) => (line[0] === 'm' ? [line[3] as T] : []));
}

test('a watching administrator receives each second what happened in it', async () => {
  const { hub, guest, second } = await place();
  const admin = await guest({ token: 'admin' });
  await admin.ask('sub', ADMIN_CHANNEL);
  const ana = await guest({ token: 'ana' });
  await ana.ask('sub', 'chat:42');
  await second();
  admin.take();
  await ana.ask('pub', 'chat:42', 'hola');
  await ana.ask('pub', 'chat:42', 'x'.repeat(50));
  await hub.publish('news', 'open');
  await second();
  const [news] = data<AdminNews>(admin);
  const { sample, channels, connections, errors } = news!;
  assert.deepEqual(
    [sample.connections, sample.users, sample.received, sample.published, sample.refused],
    [2, 2, 2, 2, 1],
  );
  assert.deepEqual(
    channels.map(({ name, subscribers }) => [name, subscribers]),
    [
      ['chat:42', 1],
      ['news', 0],
    ],
  );
  assert.ok(channels.every(({ rate }) => rate > 0));
  assert.deepEqual(
    connections.map(({ user, channels }) => [user, channels]),
    [
      ['ana', 1],
      ['admin', 1],
    ],
  );
  const message = 'the data is larger than the 20 bytes that chat:42 allows';
  assert.deepEqual(errors, [
    { at: 1_000, code: 'TOO_LARGE', user: 'ana', connection: ana.connection.id, channel: 'chat:42', message },
  ]);
  await second();
  assert.equal(data<AdminNews>(admin)[0]!.sample.published, 0);
});

test('the last five minutes are kept, whether anyone watches or not', async () => {
  const { admin, second } = await place();
  for (let n = 0; n < 302; n++) await second();
  assert.equal(admin.samples.length, 300);
});

test('one user or channel can be watched, only with a token that names it', async () => {
  const { hub, guest } = await place();
  const admin = await guest({ token: 'admin' });
  const luis = await guest({ token: 'luis' });
  assert.equal(await luis.ask('sub', 'zocalo:watch:channel:chat:42'), 'FORBIDDEN');
  assert.equal(await luis.ask('sub', ADMIN_CHANNEL), 'FORBIDDEN');
  assert.equal(await (await guest()).ask('sub', ADMIN_CHANNEL), 'FORBIDDEN');
  await admin.ask('sub', 'zocalo:watch:channel:chat:42');
  await admin.ask('sub', 'zocalo:watch:user:ana%20b');
  admin.take();
  const ana = await guest({ token: 'ana b' });
  await ana.ask('pub', 'chat:42', 'hola');
  await luis.ask('pub', 'chat:42', 'buenas');
  await luis.ask('pub', 'elsewhere', 'nothing');
  await ana.ask('pub', 'chat:42', 'x'.repeat(50));
  ana.connection.lost();
  await settle();
  assert.deepEqual(
    data<Traffic>(admin).map(({ kind, user, channel, data, code }) => [kind, user, code ?? channel, data]),
    [
      ['connected', 'ana b', undefined, undefined],
      ['published', 'ana b', 'chat:42', '"hola"'],
      ['published', 'ana b', 'chat:42', '"hola"'],
      ['published', 'luis', 'chat:42', '"buenas"'],
      ['refused', 'ana b', 'TOO_LARGE', undefined],
      ['disconnected', 'ana b', undefined, undefined],
    ],
  );
  await admin.ask('un', 'zocalo:watch:channel:chat:42');
  await hub.publish('chat:42', 'unseen');
  assert.deepEqual(data(admin), []);
});

test('at most a hundred events per second of a watched channel are reported', async () => {
  const { hub, guest, second } = await place();
  const admin = await guest({ token: 'admin' });
  await admin.ask('sub', 'zocalo:watch:channel:chat:42');
  admin.take();
  for (let n = 0; n < 150; n++) await hub.publish('chat:42', n);
  assert.equal(data(admin).length, 100);
  await second();
  await hub.publish('chat:42', 'again');
  assert.equal(data(admin).length, 1);
});
