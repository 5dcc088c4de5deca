import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Place } from '../../../src/nodes/index.ts';
import { noRedis, startRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { openNode } from './several.ts';

/** As the hub has them: a connection, of which the place is a part. */
class Connection {
  readonly user = undefined;
  readonly secret = 'nobody else may see this';

  get member(): string {
    return '18';
  }
}

describe('the tickets of several nodes', { skip: noRedis }, () => {
  test('are found by other nodes, once each, also after Redis has forgotten them', async (t) => {
    const redis = await startRedis(t);
    const [one, two] = [await openNode(t, redis.address), await openNode(t, redis.address)];
    const { tickets } = one.nodes.others;
    const issued = new Map<string, Place>([
      ['a', { user: 'ana', member: 'ana' }],
      ['b', { member: '17' }],
      ['c', new Connection()],
    ]);
    tickets.keep(() => issued);
    for (const [ticket, place] of issued) tickets.put(ticket, place);
    const take = (ticket: string) => two.nodes.others.tickets.take(ticket, tickets.origin).catch(() => undefined);
    let taken: unknown;
    const isTaken = async (ticket: string) => {
      taken = await take(ticket);
      return taken !== undefined;
    };
    await until(() => isTaken('a'), 'it is there');
    assert.deepEqual(taken, { user: 'ana', member: 'ana' });
    assert.equal(await take('a'), undefined, 'it works once');
    tickets.drop('b');
    await until(
      async () => (await redis.ask('keys', 'zocalo:*tickets:*').then(String)).includes(tickets.origin),
      'it is kept',
    );
    await redis.stop();
    issued.delete('b');
    await redis.start();
    await until(() => isTaken('c'), 'it is there again');
    assert.deepEqual(taken, { member: '18' });
    assert.equal(await take('b'), undefined, 'it was dropped');
  });

  test('are void some time after their node has died, and later after it was closed', async (t) => {
    const redis = await startRedis(t);
    const one = await openNode(t, redis.address, { lease: 1_000, linger: 200 });
    const { tickets } = one.nodes.others;
    tickets.put('a', { member: '1' });
    const key = async () => ((await redis.ask('keys', 'zocalo:*tickets:*')) as string[])[0];
    await until(async () => (await key()) !== undefined, 'it is kept');
    const lasts = Number(await redis.ask('pttl', (await key())!));
    assert.ok(lasts > 0 && lasts <= 1_000, `${lasts}`);
    await one.nodes.close();
    assert.ok(Number(await redis.ask('pttl', (await key())!)) <= 200);
  });
});
