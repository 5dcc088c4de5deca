import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RedisAccess } from '../../../src/broker/index.ts';
import { RedisRelay } from '../../../src/nodes/redis/relay.ts';

test('while Redis does not answer, only so much waits for it, and no more is passed on', async () => {
  const answers: (() => void)[] = [];
  const told: number[] = [];
  const access = {
    place: 'redis://test',
    tell: (_: string, [, , data]: readonly string[]) => {
      told.push(data!.length);
      return new Promise<void>((resolve) => answers.push(resolve));
    },
  } as unknown as RedisAccess;
  const relay = new RedisRelay(access);
  const large = JSON.stringify('x'.repeat(3 << 20));
  const sent = [relay.send('a', large, null), relay.send('a', large, null)];
  await assert.rejects(relay.send('a', '1', null), { code: 'LOG_BUSY' });
  for (const answer of answers.splice(0)) answer();
  await Promise.all(sent);
  const next = relay.send('a', '1', null);
  assert.deepEqual(told, [large.length, large.length, 1]);
  for (const answer of answers) answer();
  await next;
});
