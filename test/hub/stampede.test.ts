import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Position } from '../../src/protocol/index.ts';
import { settle, turn } from '../support/turn.ts';
import { until } from '../support/until.ts';
import { type Guest, square } from './fake-wire.ts';

const CHANNEL = 'chat:42';
const ENTRIES = 2_000;
const MEBIBYTE = 1 << 20;

/** A channel whose log has 300 KB, guests of it who have said hi, and what is read of the log from here on. */
async function missed(count: number) {
  const read = { calls: 0, bytes: 0 };
  const { hub, broker, guest } = await square(
    { channels: { '*': { history: { size: ENTRIES } } }, limits: { requests: 1e6 } },
    (broker) => {
      const inner = broker.read.bind(broker);
      broker.read = async (channel, after, bounds) => {
        read.calls++;
        // As a store does that answers from a thread of its own.
        await turn();
        const page = await inner(channel, after, bounds);
        for (const { data } of page.gap ? [] : page.entries) read.bytes += data.length;
        return page;
      };
      return broker;
    },
  );
  let head: Position = ['', 0];
  for (let n = 0; n < ENTRIES; n++) head = await hub.publish(CHANNEL, `${n}`.padStart(150));
  const guests: Guest[] = [];
  while (guests.length < count) guests.push(await guest());
  const subscribe = (guest: Guest) => guest.say(['sub', 2, CHANNEL, { at: [head[0], 0], credit: 10_000 }]);
  return { broker, read, guests, subscribe };
}

const isLive = ({ wire }: Guest) => wire.texts.at(-1)?.startsWith('["live"') ?? false;
const waits = (guests: readonly Guest[]) =>
  guests.reduce((sum, { wire }) => sum + wire.texts.reduce((length, text) => length + text.length, 0), 0);

test('a page is read once for all readers that return to the same position', async () => {
  const { read, guests, subscribe } = await missed(500);
  for (const guest of guests) guest.wire.plain = true;
  for (const guest of guests) subscribe(guest);
  await until(() => guests.every(isLive), 'all are live');
  assert.ok(read.bytes < 4 * MEBIBYTE, `${read.bytes} bytes were read for ${500 * 300_000}`);
  for (const { wire } of guests) {
    const offsets = wire.texts
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.startsWith('["m"'))
      .map((line) => JSON.parse(line)[2]);
    assert.deepEqual(
      offsets,
      Array.from({ length: ENTRIES }, (_, n) => n + 1),
    );
  }
});

test('little memory waits for many readers that do not read, and everyone else gets everything', async () => {
  const { guests, subscribe } = await missed(1_100);
  for (const guest of guests) {
    guest.wire.plain = true;
    guest.wire.texts.length = 0;
  }
  const [readers, stuck] = [guests.slice(0, 100), guests.slice(100)];
  for (const { wire } of stuck) wire.stick();
  for (const guest of stuck) subscribe(guest);
  await until(() => stuck.every(({ wire }) => wire.texts.length >= 2), 'each has a page');
  for (let turn = 0; turn < 100; turn++) await settle();
  assert.ok(waits(stuck) < 64 * MEBIBYTE, `${waits(stuck)} of the ${1_000 * 300_000} bytes that they missed`);
  for (const guest of readers) subscribe(guest);
  await until(() => readers.every(isLive), 'the others are live');
  for (const { wire } of stuck) wire.free();
  await until(() => guests.every(isLive), 'all are live');
});

test('no single turn of the event loop handles the pages of all readers', async () => {
  const { guests, subscribe } = await missed(500);
  for (const guest of guests) guest.wire.plain = true;
  let most = 0;
  let before = waits(guests);
  for (const guest of guests) subscribe(guest);
  await until(() => {
    const now = waits(guests);
    most = Math.max(most, now - before);
    before = now;
    return guests.every(isLive);
  }, 'all are live');
  assert.ok(most < 8 * MEBIBYTE, `${most} bytes in a turn`);
});

test('a client that requests more than it reads gets one answer, and the next when it has read on', async () => {
  const { guests } = await missed(1);
  const [guest] = guests as [Guest];
  guest.wire.plain = true;
  guest.wire.texts.length = 0;
  guest.wire.stick();
  for (let id = 10; id < 20; id++) guest.say(['get', id, 'history', CHANNEL, { limit: 1_000 }]);
  for (let turn = 0; turn < 10; turn++) await settle();
  assert.equal(guest.wire.texts.length, 1);
  guest.wire.free();
  await until(() => guest.wire.texts.length === 10, 'all are answered');
});
