import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { memory } from '../../src/broker/index.ts';
import { Client } from '../../src/client/index.ts';
import { Hub, type HubOptions } from '../../src/hub/index.ts';
import { contract, type DataIssues, ProtocolError, type StandardSchema } from '../../src/protocol/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';

/** Takes a number as text, too, and takes longer for small ones: what comes first is settled last. */
const slowNumber: StandardSchema<number | string, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      for (let turns = Number(value); turns < 20; turns++) await undefined;
      return Number.isNaN(Number(value)) ? { issues: [{ message: 'expected number' }] } : { value: Number(value) };
    },
  },
};

const agreed = contract({
  channels: {
    'chat:*': z.object({ text: z.string().trim() }),
    'count:*': slowNumber,
  },
  methods: {
    rename: { data: z.object({ name: z.string() }), result: z.boolean() },
    wrong: { data: z.unknown(), result: z.number() },
  },
});

async function setUp(t: TestContext, options: Partial<HubOptions<typeof agreed>> = {}) {
  const errors: Error[] = [];
  const hub = new Hub({ broker: memory(), contract: agreed, onError: (error) => errors.push(error), ...options });
  const server = await serve(hub, 'ws://127.0.0.1:0');
  const client = new Client<typeof agreed>(server.addresses[0]!, { random: () => 0 });
  t.after(async () => {
    client.close();
    await server.close();
    await hub.close();
  });
  return { hub, client, errors };
}

test('a publication that does not fit is BAD_DATA, with the path and the message of the first issue', async (t) => {
  const { hub, client } = await setUp(t);
  // @ts-expect-error: the text is a string
  const bad = client.publish('chat:42', { text: 42 });
  await assert.rejects(bad, { code: 'BAD_DATA', message: /^text: .*expected string/i });
  // @ts-expect-error: the text is not there
  await assert.rejects(hub.publish('chat:42', {}), { code: 'BAD_DATA', message: /^text: / });
  assert.equal((await hub.history('chat:42')).head, 0);
});

test('BAD_DATA has the path, the sentence and what was expected of each issue, up to ten', async (t) => {
  const { client, hub } = await setUp(t);
  const issue = { path: ['text'], message: 'Invalid input: expected string, received number', expected: 'string' };
  // @ts-expect-error: the text is a string
  await assert.rejects(client.publish('chat:42', { text: 42 }), { code: 'BAD_DATA', details: { issues: [issue] } });
  const people = z.array(z.object({ name: z.string() }));
  const other = new Hub({ broker: memory(), contract: { channels: { people } } });
  t.after(() => other.close());
  await assert.rejects(other.publish('people', Array(1_000).fill({}) as never), (error: ProtocolError) => {
    const { issues } = error.details as DataIssues;
    assert.deepEqual([issues.length, issues[9]?.path], [10, [9, 'name']]);
    return true;
  });
  await assert.rejects(hub.publish('count:1', 'many'), {
    details: { issues: [{ path: [], message: 'expected number' }] },
  });
});

test("details of an application's own refusal reach the caller, and those that are no JSON hide nothing", async (t) => {
  const { client, hub } = await setUp(t);
  hub.method('rename', ({ name }) => {
    const details = name === 'circular' ? { one: 1n } : { free: ['ana2', 'ana3'] };
    throw new ProtocolError('TAKEN', 'the name is taken', undefined, undefined, details);
  });
  await assert.rejects(client.call('rename', { name: 'ana' }), {
    code: 'TAKEN',
    retryAfter: undefined,
    reason: undefined,
    details: { free: ['ana2', 'ana3'] },
  });
  await assert.rejects(client.call('rename', { name: 'circular' }), { code: 'TAKEN', details: undefined });
});

test("the schema's output is stored", async (t) => {
  const { hub, client } = await setUp(t);
  await client.publish('chat:42', { text: '  hola ' });
  await hub.publish('chat:42', { text: ' qué tal  ' });
  const { entries } = await hub.history('chat:42');
  assert.deepEqual(
    entries.map(([, data]) => data),
    [{ text: 'hola' }, { text: 'qué tal' }],
  );
});

test('an asynchronous schema is waited for, and the order of publications is kept', async (t) => {
  const { hub, client } = await setUp(t);
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  await Promise.all(numbers.map((number) => client.publish('count:up', String(number))));
  const { entries } = await hub.history('count:up');
  assert.deepEqual(
    entries.map(([, data]) => data),
    numbers,
  );
  await assert.rejects(client.publish('count:up', 'many'), { code: 'BAD_DATA', message: 'expected number' });
});

test("a method gets data that fits its schema; an invalid result is the server's failure", async (t) => {
  const { hub, client, errors } = await setUp(t);
  hub.method('rename', ({ name }, who) => name.length > 0 && who.user === undefined);
  // @ts-expect-error: the result is a number
  hub.method('wrong', () => 'text');
  hub.method('other', (data) => data);
  const renamed: boolean = await client.call('rename', { name: 'Ana' });
  assert.equal(renamed, true);
  // @ts-expect-error: a name is a string
  await assert.rejects(client.call('rename', { name: 1 }), { code: 'BAD_DATA', message: /^name: / });
  await assert.rejects(client.call('wrong'), { code: 'INTERNAL' });
  assert.match(errors[0]!.message, /the result of wrong breaks the contract/);
  // @ts-expect-error: the contract does not mention it, although the hub has it
  assert.deepEqual(await client.call('other', [1]), [1]);
  assert.deepEqual(await client.call<number[]>('other', [1]), [1]);
});

test('the contract types received data by the pattern that matches the name', async (t) => {
  const { client } = await setUp(t);
  const chat = client.subscribe('chat:42');
  chat.on('message', ({ data }) => {
    const text: string = data.text;
    // @ts-expect-error: it has no such member
    void [text, data.texto];
  });
  const counter = client.subscribe('count:up');
  counter.on('message', ({ data }) => void data.toFixed());
  // @ts-expect-error: as everywhere in the channel
  await assert.rejects(chat.publish({ texto: '' }), { code: 'BAD_DATA' });
  await counter.publish('7');
  const free = client.subscribe<{ any: 1 }>('elsewhere');
  free.on('message', ({ data }) => void data.any);
  // @ts-expect-error: the contract does not mention it
  client.subscribe('elsewhere').on('message', ({ data }) => data.any);
});

test('without a contract, data is unknown', async (t) => {
  const { client } = await setUp(t);
  const plain: Client = client;
  // @ts-expect-error: it may be anything
  plain.subscribe('chat:42').on('message', ({ data }) => data.text);
  const hub = new Hub({ broker: memory() });
  // @ts-expect-error: it may be anything
  hub.method('rename', (data) => data.name);
});

test('a contract with an invalid name or pattern is refused', () => {
  const wrong = { channels: { 'no channel': z.string() } };
  assert.throws(() => new Hub({ broker: memory(), contract: wrong }), { code: 'BAD_OPTION', message: /no channel/ });
});
