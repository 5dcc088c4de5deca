import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { memory } from '../../src/broker/index.ts';
import { type AnswerData, type AnswerReturn, answer, Client } from '../../src/client/index.ts';
import { Hub, type HubOptions } from '../../src/hub/index.ts';
import {
  type Contract,
  contract,
  type DataIssues,
  ProtocolError,
  type StandardSchema,
} from '../../src/protocol/index.ts';
import { serve } from '../../src/server/transports/websocket/index.ts';
import { TestNetwork } from '../../src/testing/index.ts';

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

const asking = contract({
  answers: {
    confirm: { data: z.object({ text: z.string().trim() }), result: z.object({ sure: z.boolean() }) },
    rate: { data: z.number().default(5) },
  },
});

/** A hub that asks its clients, and pages of ana. */
function askingHub(t: TestContext) {
  const network = new TestNetwork((parts) => {
    return new Hub({ ...parts, contract: asking, connect: ({ token }) => (token ? { user: token } : {}) });
  });
  t.after(() => network.close());
  const page = () => {
    const client = network.client({ token: 'ana' });
    client.open();
    return client;
  };
  return { network, page, ana: network.hub.user('ana') };
}

test('what clients answer is typed by the contract on both ends, and the data fits before it is asked', async (t) => {
  const { network, page, ana } = askingHub(t);
  const client = page();
  const asked: unknown[] = [];
  answer(client, 'confirm', ({ text }) => {
    const upper: string = text.toUpperCase();
    asked.push(upper);
    return { sure: text.length > 3 };
  });
  answer(client, 'rate', async (stars) => {
    asked.push(stars.toFixed());
    return 'anything';
  });
  // @ts-expect-error: the contract does not mention it, and completes the names
  answer(client, 'confrim', () => null)();
  // @ts-expect-error: the result has no such member
  answer(network.client(), 'confirm', () => ({ shure: true }));
  // @ts-expect-error: the result is not there
  answer(network.client(), 'confirm', () => {});
  answer<{ other: 1 }>(client, 'typed by hand', ({ other }) => other)();
  const name: string = 'only known at run time';
  answer(client, name, () => null)();
  type Confirmed = AnswerReturn<typeof asking, 'confirm'>;
  const fits: AnswerData<typeof asking, 'confirm'> = { text: '' };
  await network.settle();

  const confirmed = ana.call('confirm', { text: '  sure? ' });
  const rated = ana.call('rate');
  await network.settle();
  const { sure }: Confirmed = await confirmed;
  assert.deepEqual([sure, await rated, asked, fits], [true, 'anything', ['SURE?', '5'], { text: '' }]);
  // @ts-expect-error: the text is a string
  await assert.rejects(ana.call('confirm', { text: 42 }), { code: 'BAD_DATA', message: /^text: / });
  // @ts-expect-error: the contract does not mention it
  const unknown = ana.call('confrim', {});
  const refused = assert.rejects(unknown, { code: 'NO_SUCH_METHOD' });
  // @ts-expect-error: the result has no such member
  const shure = ana.call('confirm', { text: 'sure?' }).then(({ shure }) => shure);
  await network.settle();
  await refused;
  assert.equal(await shure, undefined);
});

test('an answer that does not fit the contract is a refusal: another page may still answer', async (t) => {
  const { network, page, ana } = askingHub(t);
  const [wrong, right] = [page(), page()] as Client[];
  let answerRight = (_: object): void => {};
  answer(wrong!, 'confirm', () => ({ sure: 'very' }));
  answer(right!, 'confirm', () => new Promise((resolve) => (answerRight = resolve)));
  await network.settle();
  const confirmed = ana.call('confirm', { text: 'sure?' });
  await network.settle();
  answerRight({ sure: true, more: 1 });
  await network.settle();
  assert.deepEqual(await confirmed, { sure: true });
  right!.close();
  await network.settle();
  const refused = ana.call('confirm', { text: 'sure?' }).catch((error) => error);
  await network.settle();
  const { message, details } = await refused;
  assert.match(message, /^what ana answered to confirm breaks the contract: sure: .*expected boolean/);
  assert.deepEqual((details as DataIssues).issues[0]!.path, ['sure']);
});

test('a method that takes nothing, or has a default, is called without data', async (t) => {
  const agreed = contract({
    methods: { ping: { data: z.void(), result: z.void() }, rate: { data: z.number().default(5), result: z.number() } },
    answers: { hide: { data: z.void(), result: z.void() } },
  });
  const network = new TestNetwork((parts) => new Hub({ ...parts, contract: agreed, connect: () => ({ user: 'ana' }) }));
  t.after(() => network.close());
  network.hub.method('ping', (data) => data);
  network.hub.method('rate', (stars) => stars);
  const client = network.client();
  answer(client, 'hide', (data) => data);
  await network.settle();
  const results = Promise.all([client.call('ping'), client.call('rate'), network.hub.user('ana').call('hide')]);
  const refused = assert.rejects(client.call('rate', '5' as never), { code: 'BAD_DATA' });
  await network.settle();
  assert.deepEqual([await results, await refused], [[null, 5, null], undefined]);
});

test('a misspelt part of a contract is refused by name, and so is what is not a schema', () => {
  const refused = (wrong: object, message: RegExp) =>
    assert.throws(() => new Hub({ broker: memory(), contract: wrong as Contract }), { code: 'BAD_OPTION', message });
  // @ts-expect-error: no such part
  contract({ methods: {}, chanels: {} });
  refused({ chanels: {} }, /chanels of a contract; did you mean channels/);
  refused({ methods: { rename: { data: z.string(), resutl: z.string() } } }, /resutl of methods: rename.*result/);
  refused({ answers: { confirm: {} } }, /answers: confirm: data is not a schema/);
  refused({ channels: { 'chat:*': { text: 'string' } } }, /channels: chat:\* is not a schema/);
});

test('a contract with an invalid name or pattern is refused', () => {
  const wrong = { channels: { 'no channel': z.string() } };
  assert.throws(() => new Hub({ broker: memory(), contract: wrong }), { code: 'BAD_OPTION', message: /no channel/ });
});
