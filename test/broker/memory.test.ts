import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { opened } from '../contract/brokers.ts';
import { FakeClock } from '../support/fake-clock.ts';

const ALL = { size: Infinity, ttl: Infinity };

test('when all logs together are too large, the least recently published one loses its oldest entries, with a gap', async (t) => {
  const broker = await opened(t, memory({ bytes: 100_000 }));
  const data = JSON.stringify('x'.repeat(1_000));
  const { position } = await broker.publish('quiet', { data, keep: ALL });
  for (let n = 0; n < 20; n++) await broker.publish('quiet', { data, keep: ALL });
  for (let n = 0; n < 500; n++) await broker.publish('busy', { data, keep: ALL });
  const quiet = await broker.state('quiet');
  assert.deepEqual(quiet, { epoch: position[0], oldest: 22, head: 21 });
  assert.equal((await broker.read('quiet', position)).gap, 'trimmed');
  const busy = await broker.state('busy');
  assert.equal(busy.head, 500);
  const kept = busy.head - busy.oldest + 1;
  assert.ok(kept > 40 && kept <= 50, `${kept} entries of about 2,100 bytes`);
});

test('what is erased makes room, and a larger replacement takes it', async (t) => {
  const broker = await opened(t, memory({ bytes: 100_000 }));
  const fill = async (channel: string) => {
    const receipts = [];
    for (let n = 0; n < 35; n++)
      receipts.push(await broker.publish(channel, { data: JSON.stringify('x'.repeat(1_000)) }));
    return receipts.map(({ position }) => position);
  };
  const first = await fill('first');
  for (const position of first)
    assert.equal(await broker.rewrite('first', position, { data: 'null', meta: null }), true);
  await fill('second');
  assert.equal((await broker.state('first')).oldest, 1, 'all of both fits');
  const large = JSON.stringify('x'.repeat(40_000));
  await broker.rewrite('first', first.at(-1)!, { data: large, meta: null });
  assert.ok((await broker.state('first')).oldest > 1, 'the least recently published one loses its oldest entries');
});

test('when there are too many logs, the least recently used are removed with their epochs', async (t) => {
  const broker = await opened(t, memory({ channels: 100 }));
  const put = async (channel: string) => (await broker.publish(channel, { data: '1' })).position[0];
  const old = await put('old');
  const used = await put('used');
  for (let n = 0; n < 99; n++) {
    await put(`channel:${n}`);
    await broker.state('used');
  }
  assert.equal((await broker.state('used')).epoch, used);
  assert.notEqual((await broker.state('old')).epoch, old);
});

test('reading channels that were never published to displaces no log', async (t) => {
  const broker = await opened(t, memory({ channels: 100 }));
  const { position } = await broker.publish('a', { data: '1' });
  for (let n = 0; n < 1_000; n++) {
    const { epoch } = await broker.state(`unknown:${n}`);
    await broker.read(`unknown:${n}`, [epoch, 0]);
    await broker.trim(`unknown:${n}`, ALL);
  }
  assert.deepEqual(await broker.state('a'), { epoch: position[0], oldest: 1, head: 1 });
});

test('expired entries are removed without any call, and closing leaves no timer', async (t) => {
  let now = 0;
  const clock = new FakeClock();
  const broker = await opened(t, memory({ clock, now: () => now, bytes: 10_000 }));
  const { position } = await broker.publish('a', { data: '1', keep: { size: Infinity, ttl: 100 } });
  now = 100;
  clock.advance(60_000);
  now = 0; // where the entry would be young again, had it not gone
  assert.deepEqual(await broker.state('a'), { epoch: position[0], oldest: 2, head: 1 });
  await broker.close();
  assert.equal(clock.pending, 0);
});
