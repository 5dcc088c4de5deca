import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HubOptions } from '../../src/hub/index.ts';
import type { ClientMessage, Welcome } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { Guest, square } from './fake-wire.ts';

/** Those of the daemon, unless it is told otherwise. */
const LIMITS = { requests: 100, bytes: 262_144 };

/**
 * Sends all lines at once, and each that is refused again when it was told to, at once with those that have the same
 * time. Answers how often the unluckiest was refused.
 */
async function sendHeeding(
  guest: Guest,
  clock: { advance(milliseconds: number): void },
  lines: readonly ClientMessage[],
): Promise<number> {
  const refusals = new Map<unknown, number>();
  let due: { at: number; line: ClientMessage }[] = lines.map((line) => ({ at: 0, line }));
  for (let now = 0; due.length > 0; ) {
    const next = Math.min(...due.map(({ at }) => at));
    clock.advance(next - now);
    now = next;
    const batch = due.filter(({ at }) => at <= now).map(({ line }) => line);
    due = due.filter(({ at }) => at > now);
    guest.wire.got = [];
    guest.say(...batch);
    await settle();
    assert.equal(guest.wire.closed, null, 'who heeds the pause is not sent away');
    for (const answer of guest.wire.got) {
      if (answer[0] !== 'err') continue;
      assert.equal(answer[2], 'RATE_LIMITED');
      refusals.set(answer[1], (refusals.get(answer[1]) ?? 0) + 1);
      const line = batch.find(([, id]) => id === answer[1])!;
      due.push({ at: now + Number(answer[4]), line });
    }
  }
  return Math.max(0, ...refusals.values());
}

test('the welcome announces the limits, except unlimited ones', async () => {
  for (const [limits, told] of [
    [{}, { lines: 1_000, bytes: 1_048_576, subscriptions: 256 }],
    [
      { requests: 100, bytes: Infinity, subscriptions: 2 },
      { lines: 100, subscriptions: 2 },
    ],
  ] as [HubOptions['limits'], object][]) {
    const { hub, fanOut } = await square({ limits: limits! });
    const welcome = (await new Guest(hub, fanOut).ask('hi')) as Welcome;
    assert.deepEqual(welcome.limits, told);
  }
});

test('as many subscriptions as allowed, all at once, succeed for a client that respects the pauses', async () => {
  const { guest, clock } = await square({ limits: LIMITS });
  const ana = await guest();
  const lines = Array.from({ length: 256 }, (_, n): ClientMessage => ['sub', n + 2, `chat:${n}`, {}]);
  assert.equal(await sendHeeding(ana, clock, lines), 1);
  assert.equal(ana.connection.channels.length, 256);
});

test('a thousand publications at once are all accepted in order from a client that respects the pauses', async () => {
  const { hub, guest, clock } = await square({ limits: LIMITS });
  const ana = await guest();
  const lines = Array.from({ length: 1_000 }, (_, n): ClientMessage => ['pub', n + 2, 'chat:42', n, {}]);
  assert.equal(await sendHeeding(ana, clock, lines), 1);
  const { entries } = await hub.history('chat:42', { limit: 1_000 });
  assert.deepEqual(
    entries.map(([, data]) => data),
    [...Array(1_000).keys()],
  );
});

test('publications over the rate of bytes, or of a channel, are accepted in their turn', async () => {
  const { guest, clock } = await square({ limits: { bytes: 1_000 }, channels: { '*': {}, 'slow:*': { rate: 2 } } });
  const [ana, luis] = [await guest(), await guest()];
  const large = Array.from({ length: 100 }, (_, n): ClientMessage => ['pub', n + 2, 'chat:42', 'x'.repeat(500), {}]);
  for (const line of large) ana.say(line);
  await settle();
  assert.equal(ana.wire.closed, null);
  const slow = Array.from({ length: 100 }, (_, n): ClientMessage => ['pub', n + 2, 'slow:1', n, {}]);
  assert.equal(await sendHeeding(luis, clock, slow), 1);
});

test('a client that ignores the pauses is disconnected: for lines, bytes, and publications to a channel', async () => {
  const floods: [HubOptions['limits'], ClientMessage][] = [
    [{ requests: 10, waiting: 100 }, ['pub', 2, 'chat:42', 'x', {}]],
    [{ requests: 10, waiting: 100 }, ['more', 1, 1]],
    [{ requests: 10, waiting: 100 }, ['un', 2, 'chat:42']],
    [{ bytes: 10 }, ['pub', 2, 'chat:42', 'x'.repeat(100), {}]],
    [{ waiting: 100 }, ['pub', 2, 'slow:1', 'x', {}]],
  ];
  for (const [limits, line] of floods) {
    const { guest } = await square({ limits: limits!, channels: { '*': {}, 'slow:*': { rate: 1 } } });
    const ana = await guest();
    let count = 0;
    while (!ana.wire.closed && count < 1_000) {
      ana.say(line);
      count += 1;
    }
    await settle();
    assert.equal(ana.take().at(-1)?.[1], 'TOO_MANY_ERRORS', JSON.stringify(line).slice(0, 40));
  }
});

test('lines under way at the first refusal are not errors, nor is a slightly exceeded rate', async () => {
  const { guest, clock } = await square({ limits: { requests: 10, waiting: 100 } });
  const ana = await guest();
  for (let second = 0; second < 60; second++) {
    for (let n = 0; n < 11; n++) ana.say(['pub', second * 100 + n + 2, 'chat:42', n, {}]);
    clock.advance(1_000);
  }
  ana.say(...Array.from({ length: 50 }, (_, n): ClientMessage => ['pub', n + 10_000, 'chat:42', n, {}]));
  await settle();
  assert.equal(ana.wire.closed, null);
});

test('`un` is never refused for its rate', async () => {
  const { guest } = await square({ limits: { requests: 10 } });
  const ana = await guest();
  await ana.ask('sub', 'chat:42');
  for (let n = 0; n < 30; n++) ana.say(['pub', n + 100, 'chat:42', n, {}]);
  assert.equal(await ana.ask('un', 'chat:42'), null);
});

test("a connection's rates are kept for as many channels as it may have subscriptions, and the oldest is dropped", async () => {
  const { guest } = await square({ channels: { '*': { rate: 1 } }, limits: { subscriptions: 2 } });
  const ana = await guest();
  for (const [channel, offset] of [
    ['a', 1],
    ['a', 2],
    ['b', 1],
  ] as const)
    assert.equal(await ana.publish(channel, 'x'), offset);
  assert.equal(await ana.publish('a', 'x'), 'RATE_LIMITED');
  assert.equal(await ana.publish('c', 'x'), 1);
  assert.equal(await ana.publish('a', 'x'), 3);
});

test('credit that comes too soon is accepted, and is not an error in small amounts', async () => {
  const { guest } = await square({ limits: { requests: 10, waiting: 100, errors: 1 } });
  const ana = await guest();
  ana.say(...Array.from({ length: 60 }, (): ClientMessage => ['more', 1, 1]));
  await settle();
  assert.equal(ana.wire.closed, null);
});
