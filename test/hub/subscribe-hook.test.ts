import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ChannelOptions } from '../../src/hub/index.ts';
import { type History, JsonText, ProtocolError } from '../../src/protocol/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from '../support/turn.ts';
import { FakeWire, Guest, square } from './fake-wire.ts';

/** A hub whose channel `chat` has this function. */
const chat = (subscribe: NonNullable<ChannelOptions['subscribe']>, options: ChannelOptions = {}) =>
  square({ channels: { chat: { presence: true, ...options, subscribe } }, connect: () => ({ user: 'ana' }) });

test('the answer to a subscription has the first data, with all its digits', async () => {
  const { guest } = await chat(() => ({ data: JsonText.parse('{"total":1163456789012345678}') }));
  const ana = await guest();
  await ana.ask('sub', 'chat', { presence: true });
  assert.match(
    ana.wire.texts.join('\n'),
    /\["ok",2,\{"ch":1,.*"members":\[\],"data":\{"total":1163456789012345678\}\}\]/,
  );
});

test('a subscription without first data has the answer that it always had', async () => {
  for (const answer of [true, {}, { data: undefined }]) {
    const { guest } = await chat(() => answer);
    const result = await (await guest()).ask('sub', 'chat');
    assert.deepEqual(Object.keys(result as object), ['ch', 'epoch', 'offset']);
  }
});

test('null, false and an empty text are first data too', async () => {
  for (const data of [null, false, '', 0]) {
    const { guest } = await chat(async () => ({ data }));
    assert.partialDeepStrictEqual(await (await guest()).ask('sub', 'chat'), { data });
  }
});

test('the function decides what others see of a member, so that nobody can pretend to be somebody else', async () => {
  const { guest } = await chat((who, _channel, { member }) => ({ member: { name: who.user, said: member } }));
  const ana = await guest();
  const joined = { id: 'ana', data: { name: 'ana', said: { name: 'root' } } };
  assert.partialDeepStrictEqual(await ana.ask('sub', 'chat', { presence: true, member: { name: 'root' } }), {
    members: [joined],
  });
});

test('a subscriber who does not ask to be a member is not one, whatever the function says of members', async () => {
  const { hub, guest } = await chat(() => ({ member: 'seen' }));
  const ana = await guest();
  await ana.ask('sub', 'chat');
  assert.deepEqual(hub.presence('chat'), { count: 0, members: [] });
});

test('a function that leaves the member out leaves it as it was', async () => {
  const { hub, guest } = await chat(() => ({ data: 1 }));
  await (await guest()).ask('sub', 'chat', { member: 'as it was' });
  assert.deepEqual(hub.presence('chat').members, [{ id: 'ana', data: 'as it was' }]);
});

for (const [what, subscribe, message] of [
  ['forgets its return', () => undefined as never, /channels\["chat"\]\.subscribe returned what is neither/],
  ['answers with another object', () => ({ allow: false }) as never, /neither true, nor false, nor \{ data, member \}/],
  ['answers with a list', () => ['x'] as never, /returned what is neither/],
  ['answers with null', () => null as never, /returned what is neither/],
  ['throws', () => assert.fail('no such table'), /no such table/],
  ['has data that is no JSON', () => ({ data: () => 1 }), /has no JSON/],
  [
    'has a member that is too large',
    () => ({ member: 'x'.repeat(3_000) }),
    /a member that is larger than the 2048 bytes/,
  ],
] as const)
  test(`nobody gets in by a function that ${what}: it fails at the server, and is reported`, async () => {
    const { hub, guest, errors } = await chat(subscribe);
    assert.equal(await (await guest()).ask('sub', 'chat', { member: 1 }), 'INTERNAL');
    assert.deepEqual(hub.channels, []);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['HOOK_FAILED'],
    );
    assert.match(errors[0]!.message, message);
  });

test('a function refuses with false, or with the error that it throws', async () => {
  const { guest } = await chat((_who, _channel, { purpose }) => {
    if (purpose === 'history') throw new ProtocolError('UNAVAILABLE', 'not now', 500);
    return false;
  });
  const ana = await guest();
  assert.equal(await ana.ask('sub', 'chat'), 'FORBIDDEN');
  assert.equal(await ana.ask('get', 'history', 'chat'), 'UNAVAILABLE');
  assert.equal(await ana.ask('get', 'presence', 'chat'), 'FORBIDDEN');
});

test('the function gets what is asked for, the member, and the position of a client that comes back', async () => {
  const asked: unknown[] = [];
  const { guest } = await chat((_who, _channel, { purpose, member, json, at }) => {
    asked.push([purpose, member, json?.text, at]);
    return { data: 'first' };
  });
  const ana = await guest();
  await ana.ask('sub', 'chat', { member: { n: 1 } });
  await ana.ask('get', 'history', 'chat');
  await ana.ask('get', 'presence', 'chat');
  const { epoch } = (await ana.ask('get', 'history', 'chat')) as History;
  await ana.ask('un', 'chat');
  await ana.ask('sub', 'chat', { at: [epoch, 0] });
  assert.deepEqual(asked.toSpliced(3, 1), [
    ['subscribe', { n: 1 }, '{"n":1}', undefined],
    ['history', undefined, undefined, undefined],
    ['presence', undefined, undefined, undefined],
    ['subscribe', undefined, undefined, [epoch, 0]],
  ]);
});

test('a pattern has first data as well, and the function is called with the pattern', async () => {
  const { guest } = await square({
    channels: { 'chat:*': { patterns: true, subscribe: (_who, channel) => ({ data: channel }) } },
  });
  const ana = await guest();
  assert.deepEqual(await ana.ask('sub', 'chat:*'), { data: 'chat:*' });
});

test('a connection that only uses text gets the first data as a line, before everything else', async () => {
  const { hub, fanOut } = await square({
    channels: {
      chat: { subscribe: () => ({ data: { hint: 'hola' } }) },
      hello: { subscribe: () => ({ data: 'hola' }) },
    },
  });
  for (const [channel, line] of [
    ['chat', '{"hint":"hola"}'],
    ['hello', 'hola'],
  ] as const) {
    const wire = new FakeWire();
    wire.plain = true;
    fanOut.wires.add(wire);
    hub.connectText(wire, channel);
    await settle();
    await hub.publish(channel, 'news');
    assert.deepEqual(wire.texts, [line, 'news']);
  }
});

test('nothing is missed between the first data and the first publication, however long the function takes', async () => {
  const step = fc.oneof(
    fc.record({ publish: fc.constantFrom('counter', 'other') }),
    fc.record({
      subscribe: fc.integer({ min: 0, max: 30 }),
      recent: fc.integer({ min: 0, max: 2 }),
      again: fc.boolean(),
    }),
    fc.record({ advance: fc.integer({ min: 0, max: 20 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, isOpen) => {
      const clock = new FakeClock();
      let delay = 0;
      let count = 0;
      const all = await square({
        clock,
        limits: { errors: 1_000 },
        channels: {
          '*': {},
          counter: {
            // What it has seen when it begins, told much later.
            subscribe: async () => {
              const data = count;
              await new Promise<void>((resolve) => clock.after(delay, resolve));
              return { data };
            },
          },
        },
      });
      if (isOpen) await (await all.guest()).ask('sub', 'other');
      const readers: Guest[] = [];
      for (const next of steps) {
        if ('publish' in next) {
          if (next.publish === 'counter') count++;
          await all.hub.publish(next.publish, count);
        } else if ('advance' in next) clock.advance(next.advance);
        else {
          const reader = (next.again && readers.at(-1)) || new Guest(all.hub, all.fanOut);
          if (!readers.includes(reader)) {
            readers.push(reader);
            reader.say(['hi', 1, {}]);
          }
          delay = next.subscribe;
          reader.say(['sub', 2, 'counter', { recent: next.recent }]);
        }
        await settle();
      }
      for (let turn = 0; turn < 60; turn++) {
        clock.advance(30);
        await settle();
      }
      for (const { wire } of readers) {
        const answer = wire.got.find((line) => line[0] === 'ok' && line[1] === 2);
        assert.ok(answer, 'it is subscribed');
        let seen = (answer[2] as { data: number }).data;
        for (const line of wire.got)
          if (line[0] === 'm') {
            const value = line[3] as number;
            // It may come again, but nothing may be left out.
            assert.ok(value <= seen + 1, `${value} came after ${seen}`);
            seen = Math.max(seen, value);
          }
        assert.equal(seen, count);
      }
    }),
    { numRuns: 50 },
  );
});
