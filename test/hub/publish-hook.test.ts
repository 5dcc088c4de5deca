import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { memory } from '../../src/broker/index.ts';
import { type Caller, type ChannelOptions, Hub } from '../../src/hub/index.ts';
import { contract, JsonText, ProtocolError } from '../../src/protocol/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from '../support/turn.ts';
import { FakeWire, square } from './fake-wire.ts';

/** Waits on the fake clock. */
const pause = (clock: FakeClock, milliseconds: number) =>
  new Promise<void>((resolve) => clock.after(milliseconds, resolve));

/** What the channel's log has. */
async function logged(hub: Hub, channel: string): Promise<unknown[]> {
  return (await hub.history(channel)).entries.map(([, data]) => data);
}

/** A hub whose channel `chat` has this function. */
const chat = (publish: NonNullable<ChannelOptions['publish']>, options: ChannelOptions = {}) =>
  square({ channels: { chat: { ...options, publish } }, connect: () => ({ user: 'ana' }) });

async function textOf({ hub, fanOut }: Awaited<ReturnType<typeof square>>, channel: string) {
  const wire = new FakeWire();
  wire.plain = true;
  fanOut.wires.add(wire);
  const connection = hub.connectText(wire, channel);
  await settle();
  return { wire, connection };
}

test('a function publishes other data in place of what the client sent', async () => {
  const { hub, guest } = await chat((who, channel, data) => ({ ...data, from: who.user, channel }));
  const ana = await guest();
  assert.equal(await ana.publish('chat', { text: 'hola' }), 1);
  assert.deepEqual(await logged(hub, 'chat'), [{ text: 'hola', from: 'ana', channel: 'chat' }]);
});

for (const [answer, published] of [
  [true, ['sent']],
  [null, [null]],
  [0, [0]],
  ['', ['']],
  [JsonText.of(true), [true]],
  [JsonText.of(false), [false]],
  [['one', 'two'], [['one', 'two']]],
] as const)
  test(`a function that returns ${JSON.stringify(answer)}${answer instanceof JsonText ? ' as a JsonText' : ''} publishes ${JSON.stringify(published[0])}`, async () => {
    for (const publish of [() => answer, async () => answer] as ChannelOptions['publish'][]) {
      const { hub, guest } = await chat(publish!);
      assert.equal(await (await guest()).publish('chat', 'sent'), 1);
      assert.deepEqual(await logged(hub, 'chat'), published);
    }
  });

test('a function that returns false refuses, and one that throws a ProtocolError answers with it', async () => {
  const { hub, guest, errors } = await chat((_who, _channel, data) => {
    if (data === 'late') throw new ProtocolError('UNAVAILABLE', 'the shop is closed', 5_000);
    return false;
  });
  const ana = await guest();
  assert.equal(await ana.publish('chat', 'hola'), 'FORBIDDEN');
  ana.say(['pub', 99, 'chat', 'late', {}]);
  await settle();
  assert.deepEqual(ana.wire.got.at(-1), ['err', 99, 'UNAVAILABLE', 'the shop is closed', 5_000]);
  assert.deepEqual(await logged(hub, 'chat'), []);
  assert.deepEqual(errors, []);
});

for (const [what, publish, message] of [
  ['forgets its return', () => undefined as never, /channels\["chat"\]\.publish returned nothing/],
  ['forgets its return and is async', async () => undefined as never, /channels\["chat"\]\.publish returned nothing/],
  ['throws', () => assert.fail('no such table'), /no such table/],
  ['returns what is no JSON', () => () => 1, /channels\["chat"\]\.publish returned data that cannot be published/],
] as const)
  test(`nothing is published by a function that ${what}: it fails at the server, and is reported`, async () => {
    const { hub, guest, errors } = await chat(publish);
    assert.equal(await (await guest()).publish('chat', 'hola'), 'INTERNAL');
    assert.deepEqual(await logged(hub, 'chat'), []);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['HOOK_FAILED'],
    );
    assert.match(errors[0]!.message, message);
  });

test('a function gets the text with all its digits, the key, and whether it is kept', async () => {
  const seen: unknown[] = [];
  const { hub, guest } = await chat((_who, _channel, data, { json, key, keep }) => {
    seen.push([data, json.text, key, keep]);
    return json;
  });
  const ana = await guest();
  ana.connection.receive(
    '["pub",7,"chat",{ "id": 1163456789012345678 },{"key":"k"}]\n["pub",8,"chat",1e400,{"keep":false}]',
  );
  await settle();
  assert.deepEqual(seen, [
    [{ id: Number('1163456789012345678') }, '{"id":1163456789012345678}', 'k', true],
    [Number.POSITIVE_INFINITY, '1e400', undefined, false],
  ]);
  assert.match((await hub.historyText('chat')).text, /\{"id":1163456789012345678\}/);
});

test('what is too large does not reach the function', async () => {
  let calls = 0;
  const publish = () => ++calls > 0;
  const { guest } = await chat(publish, { maxData: 10 });
  const ana = await guest();
  assert.equal(await ana.publish('chat', 'far too long a text'), 'TOO_LARGE');
  assert.equal(calls, 0);
});

test('a publication that is sent again with its key is stored once, though the function returns other data', async () => {
  let at = 0;
  const { hub, guest } = await chat((_who, _channel, data) => ({ ...data, at: ++at }));
  const ana = await guest();
  assert.equal(await ana.publish('chat', { text: 'hola' }, { key: 'k' }), 1);
  assert.equal(await ana.publish('chat', { text: 'hola' }, { key: 'k' }), 1);
  assert.equal(await ana.publish('chat', { text: 'other' }, { key: 'k' }), 'KEY_REUSED');
  assert.deepEqual(await logged(hub, 'chat'), [{ text: 'hola', at: 1 }]);
});

test('the program itself publishes without asking the function', async () => {
  const { hub } = await chat(() => false);
  assert.equal((await hub.publish('chat', 'hola'))[1], 1);
});

test('rights and the channel are checked before the function is called', async () => {
  let calls = 0;
  const { guest } = await square({
    channels: { chat: { publish: () => ++calls > 0 }, shut: { publish: false } },
    connect: () => ({ rights: { publish: ['shut'] } }),
  });
  const ana = await guest();
  assert.equal(await ana.publish('chat', 1), 'FORBIDDEN');
  assert.equal(await ana.publish('shut', 1), 'FORBIDDEN');
  assert.equal(calls, 0);
});

test('the contract is checked before the function sees the data, and for what it returns', async () => {
  const agreed = contract({
    channels: { 'chat:*': z.object({ text: z.string().trim(), loud: z.boolean().optional() }) },
  });
  const seen: string[] = [];
  const { hub, guest, errors } = await square({
    contract: agreed,
    channels: {
      'chat:*': {
        publish: (_who, _channel, data) => {
          seen.push(data.text);
          return data.text === 'break' ? { texto: '' } : { ...data, loud: true };
        },
      },
    },
  });
  const ana = await guest();
  assert.equal(await ana.publish('chat:42', { text: 1 }), 'BAD_DATA');
  assert.equal(await ana.publish('chat:42', { text: '  hola ' }), 1);
  assert.equal(await ana.publish('chat:42', { text: 'break' }), 'INTERNAL');
  assert.deepEqual(seen, ['hola', 'break']);
  assert.deepEqual(await logged(hub, 'chat:42'), [{ text: 'hola', loud: true }]);
  assert.match(errors[0]!.message, /channels\["chat:\*"\]\.publish returned data that cannot be published: text:/);
});

test('the contract types the data of the function, and what it returns', () => {
  const agreed = contract({ channels: { 'chat:*': z.object({ text: z.string() }) } });
  new Hub({
    broker: memory(),
    contract: agreed,
    channels: {
      'chat:*': {
        publish: (who, channel, data, { key }) => {
          const text: string = data.text;
          // @ts-expect-error: it has no such member
          void [who.user, channel.length, key?.length, data.texto];
          return { text };
        },
      },
      news: { publish: (_who, _channel, data) => ({ ...data, any: 1 }) },
    },
  });
  new Hub({
    broker: memory(),
    contract: agreed,
    // @ts-expect-error: the text is a string
    channels: { 'chat:*': { publish: () => ({ text: 1 }) } },
  });
  new Hub({
    broker: memory(),
    // @ts-expect-error: it returns nothing
    channels: { chat: { publish: () => {} } },
  });
  new Hub({ broker: memory(), channels: { chat: { publish: (_who, _channel, data) => ({ ...data, any: 1 }) } } });
});

test('a text of a connection without the protocol is decided by the same function', async () => {
  const publish = (_who: Caller, _channel: string, text: string) => text !== 'bad' && { text };
  const all = await square({ channels: { chat: { publish } } });
  const { wire, connection } = await textOf(all, 'chat');
  connection.receive('hola');
  connection.receive('bad');
  await settle();
  assert.deepEqual(await logged(all.hub, 'chat'), [{ text: 'hola' }]);
  assert.equal(wire.closed?.[0], 1008);
  assert.match(wire.closed![1], /^FORBIDDEN: /);
});

test('a text waits while the function is unavailable, and is decided again after the pause', async () => {
  const asked: number[] = [];
  const all = await square({
    channels: {
      chat: {
        publish: () => {
          asked.push(all.clock.now());
          if (asked.length < 3) throw new ProtocolError('UNAVAILABLE', 'not now', 3_000);
          return true;
        },
      },
    },
  });
  const { wire, connection } = await textOf(all, 'chat');
  connection.receive('one');
  connection.receive('two');
  for (let turn = 0; turn < 3; turn++) {
    await settle();
    all.clock.advance(3_000);
  }
  await settle();
  assert.deepEqual(asked, [0, 3_000, 6_000, 6_000]);
  assert.deepEqual(await logged(all.hub, 'chat'), ['one', 'two']);
  assert.equal(wire.closed, null);
});

test('pings are answered while a function takes its time', async () => {
  const clock = new FakeClock();
  const publish = async () => {
    await pause(clock, 10_000);
    return true;
  };
  const { guest } = await square({ clock, channels: { chat: { publish }, news: {} } });
  const ana = await guest();
  ana.say(['pub', 50, 'chat', 1, {}], ['pub', 51, 'news', 2, {}], []);
  await settle();
  assert.deepEqual(ana.wire.got.slice(-1), [[1]]);
  clock.advance(10_000);
  await settle();
  assert.deepEqual(
    ana.wire.got.slice(-2).map(([verb, id]) => [verb, id]),
    [
      ['ok', 50],
      ['ok', 51],
    ],
  );
});

test('however long each function takes, the publications of a connection are stored in the order in which they came', async () => {
  const publication = fc.record({
    speaker: fc.constantFrom('protocol', 'other', 'text'),
    channel: fc.constantFrom('later', 'soon', 'plain'),
    delay: fc.integer({ min: 0, max: 50 }),
    fate: fc.constantFrom('true', 'replaced', 'refused'),
    wait: fc.integer({ min: 0, max: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(publication, { maxLength: 30 }), async (publications) => {
      const decide = (data: { n: number; fate: string }) =>
        data.fate === 'true' || (data.fate === 'replaced' && { ...data, replaced: true });
      const parsed = { in: (line: string) => JSON.parse(line) };
      const clock = new FakeClock();
      const decideLater = async (_who: Caller, _channel: string, data: { n: number; fate: string; delay: number }) => {
        await pause(clock, data.delay);
        return decide(data);
      };
      const all = await square({
        clock,
        limits: { errors: 1_000 },
        channels: {
          later: { publish: decideLater },
          soon: { publish: (_who, _channel, data) => decide(data) },
          plain: {},
          'text:later': { publish: decideLater, text: parsed },
        },
      });
      const order: number[] = [];
      all.hub.observe({ onPublished: ({ data }) => order.push(JSON.parse(data).n) });
      const guests = { protocol: await all.guest(), other: await all.guest() };
      const text = await textOf(all, 'text:later');
      const expected = { protocol: [] as number[], other: [] as number[], text: [] as number[] };
      for (const [n, { speaker, channel, delay, fate, wait }] of publications.entries()) {
        // A refused text ends its connection.
        const data = { n, delay, fate: speaker === 'text' && fate === 'refused' ? 'true' : fate };
        if (speaker === 'text') text.connection.receive(JSON.stringify(data));
        else guests[speaker].say(['pub', 100 + n, channel, data, { key: `k${n}` }]);
        if (data.fate !== 'refused' || channel === 'plain') expected[speaker].push(n);
        await settle();
        clock.advance(wait);
      }
      for (let turn = 0; turn < publications.length; turn++) {
        await settle();
        clock.advance(50);
      }
      await settle();
      for (const [speaker, numbers] of Object.entries(expected))
        assert.deepEqual(
          order.filter((n) => publications[n]!.speaker === speaker),
          numbers,
        );
      assert.deepEqual(all.errors, []);
    }),
    { numRuns: 50 },
  );
});
