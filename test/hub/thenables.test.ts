import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Client } from '../../src/client/index.ts';
import type { HubOptions } from '../../src/hub/index.ts';
import type { StandardSchema } from '../../src/protocol/index.ts';
import { serveHub } from '../server/hub-peer.ts';
import * as foreign from '../support/foreign-promises.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';

/** The two kinds of promises that are none of ours, answering and failing. */
const KINDS = [
  ['a promise of another realm', foreign.resolved, (message: string) => foreign.rejected(new Error(message))],
  [
    'a query that runs when it is awaited',
    <T>(value: T) => foreign.query(() => value) as Promise<T>,
    (message: string) => foreign.query(() => assert.fail(message)) as Promise<never>,
  ],
] as const;

async function setUp(t: TestContext, options: Partial<HubOptions> = {}) {
  const { hub, url, errors } = await serveHub(t, options);
  const client = new Client(url, { random: () => 0 });
  t.after(() => client.close());
  return { hub, client, errors };
}

for (const [kind, answer, fail] of KINDS) {
  test(`connect may return ${kind}`, async (t) => {
    const { hub, client } = await setUp(t, { connect: () => answer({ user: 'ana' }) });
    hub.method('whoami', (_data, who) => who.user);
    assert.equal(await client.call('whoami'), 'ana');
  });

  test(`a permission may be ${kind}`, async (t) => {
    const channels = {
      open: { publish: () => answer(true), subscribe: () => answer(true) },
      shut: { publish: () => answer(false) },
      broken: { publish: () => fail('no such table') },
    };
    const { client, errors } = await setUp(t, { channels });
    assert.equal((await client.publish('open', 'hola'))?.[1], 1);
    await assert.rejects(client.publish('shut', 'hola'), { code: 'FORBIDDEN' });
    await assert.rejects(client.publish('broken', 'hola'), { code: 'INTERNAL' });
    assert.match(errors[0]!.message, /no such table/);
  });

  test(`a method may return ${kind}`, async (t) => {
    const { hub, client } = await setUp(t);
    hub.method('double', (data) => answer(2 * (data as number)));
    hub.method('broken', () => fail('no such table'));
    assert.equal(await client.call('double', 21), 42);
    await assert.rejects(client.call('broken', 1), { code: 'INTERNAL' });
  });

  test(`a schema may return ${kind}`, async (t) => {
    const validate = (value: unknown) =>
      answer(typeof value === 'number' ? { value: value + 1 } : { issues: [{ message: 'expected number' }] });
    const number: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate } };
    const { hub, client } = await setUp(t, {
      contract: { channels: { count: number }, methods: { m: { data: number } } },
    });
    await client.publish('count', 41);
    await assert.rejects(client.publish('count', 'many'), { code: 'BAD_DATA', message: /expected number/ });
    assert.equal((await hub.history('count')).entries[0]?.[1], 42);
    hub.method('m', (data) => data);
    assert.equal(await client.call('m', 1), 2);
  });

  test(`a watcher, an observer or onError that returns ${kind} that fails is reported and affects nobody`, async (t) => {
    const told: string[] = [];
    const { hub } = await setUp(t, {
      onError: (error) => {
        told.push(error.message);
        return fail('onError fails as well') as never;
      },
    });
    t.mock.method(console, 'error', () => {});
    hub.observe({ onPublished: () => fail('observer') as never });
    await hub.watch('chat:42', () => fail('watcher') as never);
    await hub.publish('chat:42', 'hola');
    await until(() => told.length >= 2, 'two errors are told');
    assert.ok(
      told.some((message) => message.includes('observer')) && told.some((message) => message.includes('watcher')),
    );
    await turn();
  });
}
