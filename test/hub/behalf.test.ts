import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Taken } from '../../src/hub/index.ts';
import { square } from './fake-wire.ts';

test('the program publishes on behalf of a user, whom subscribers see as the publisher', async () => {
  const { hub, guest } = await square();
  const taken: Taken[] = [];
  hub.observe({ onPublished: (one) => taken.push(one) });
  const ana = await guest();
  await ana.subscribe('chat:42');
  ana.take();
  await hub.publish('chat:42', 'hola', { user: 'ana', key: 'k' });
  await hub.publish('chat:42', 'typing', { user: 'ana', keep: false });
  assert.partialDeepStrictEqual(ana.take(), [
    ['m', 1, 1, 'hola', { user: 'ana', key: 'k' }],
    ['m', 1, 0, 'typing', { user: 'ana' }],
  ]);
  assert.deepEqual(
    taken.map(({ user, connection }) => [user, connection]),
    [
      ['ana', undefined],
      ['ana', undefined],
    ],
  );
});

test('keys on behalf of users are separate: from each other, from those of the program, and from those of the users', async () => {
  const { hub, guest } = await square({ connect: () => ({ user: 'ana' }) });
  const ana = await guest();
  // What ana has used cannot keep the program from publishing, nor the other way round.
  assert.equal(await ana.publish('chat:42', 'first', { key: 'k' }), 1);
  const offset = async (data: string, user?: string) =>
    (await hub.publish('chat:42', data, { key: 'k', ...(user !== undefined && { user }) }))[1];
  assert.equal(await offset('second', 'ana'), 2);
  assert.equal(await offset('third', 'luis'), 3);
  assert.equal(await offset('fourth'), 4);
  assert.equal(await offset('second', 'ana'), 2);
  await assert.rejects(offset('other', 'ana'), { code: 'KEY_REUSED' });
  // Nor does a key that looks like another's.
  assert.equal((await hub.publish('chat:42', 'fifth', { key: '"ana" k' }))[1], 5);
  assert.equal((await hub.publish('chat:42', 'sixth', { key: '+"ana" k' }))[1], 6);
});
