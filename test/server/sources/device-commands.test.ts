import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { DeviceRecords } from '../../../src/server/sources/device-records.ts';
import { connect } from '../../../src/stream/index.ts';
import type { ConfigInput } from '../../support/config.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { addressOf, DOORS, place } from './device-place.ts';

const SOURCE = { ...DOORS, commands: 'door:{device}:commands', state: 'door:{device}:state' };
const INPUT: ConfigInput = { channels: { 'door:*': {} }, sources: { doors: SOURCE } };

/** Comes as the device, and returns the lines that it hears after its answer. */
async function come({ device }: Pick<Awaited<ReturnType<typeof place>>, 'device'>, id: string, n = 0) {
  const { socket, lines } = await device();
  socket.write(`${JSON.stringify({ id, n })}\n`);
  const next = async () => (await lines.next()).value;
  return { socket, next };
}

/** The next so many lines, without the answer. */
async function hears({ next }: { next: () => Promise<unknown> }, count: number): Promise<unknown[]> {
  const heard: unknown[] = [];
  while (heard.length < count) {
    const line = await next();
    if (!/^OK /.test(String(line))) heard.push(line);
  }
  return heard;
}

test('what is published in its command channel is written to the device as frames, in order, and to no other', async (t) => {
  const parts = await place(t, INPUT);
  const { call } = parts;
  const send = async (id: string, data: unknown) => {
    const { status } = await call('POST', '/api/publish', { channel: `door:${id}:commands`, data });
    assert.equal(status, 200);
  };
  const [a, b] = [await come(parts, 'a'), await come(parts, 'b')];
  await send('a', 'open');
  await send('b', { hex: '72 65 64' });
  await send('a', { volume: 3 });
  await send('a', 'close');
  assert.deepEqual(await hears(a, 3), ['open', '{"volume":3}', 'close']);
  assert.deepEqual(await hears(b, 1), ['red']);
});

test('commands wait for a device that is away, and go on where its last line ended', async (t) => {
  const parts = await place(t, INPUT);
  const { hub } = parts.daemon;
  await hub.publish('door:a b:commands'.replace(' ', '%20'), 1);
  const first = await come(parts, 'a b');
  assert.deepEqual(await hears(first, 1), ['1']);
  first.socket.destroy();
  const state = async () => (await parts.stored('door:a%20b:state')).at(-1) as { here: boolean };
  await until(async () => (await state()).here === false, 'it is away');
  for (let n = 2; n <= 120; n++) await hub.publish('door:a%20b:commands', n);
  const second = await come(parts, 'a b');
  assert.deepEqual(
    await hears(second, 119),
    Array.from({ length: 119 }, (_, n) => String(n + 2)),
  );
});

test('a command that cannot be encoded is logged and skipped', async (t) => {
  const parts = await place(t, INPUT);
  const a = await come(parts, 'a');
  for (const data of ['one\ntwo', { hex: 'xx' }, 'three']) await parts.daemon.hub.publish('door:a:commands', data);
  assert.deepEqual(await hears(a, 1), ['three']);
  const codes = parts.log.lines
    .filter(({ fields }) => fields.device === 'a')
    .map(({ fields }) => (fields.err as { code: string }).code);
  assert.deepEqual(codes, ['FRAME_NOT_ENCODED', 'BAD_OPTION']);
});

test('after a restart of the daemon a device gets the commands that it has not had, and those only', async (t) => {
  const input: ConfigInput = {
    ...INPUT,
    store: `sqlite:${join(temporaryFolder(t), 'zocalo.db')}`,
    sources: { doors: { ...SOURCE, listen: `tcp://127.0.0.1:${await freePort()}` } },
  };
  const before = await place(t, input);
  const a = await come(before, 'a');
  await before.daemon.hub.publish('door:a:commands', 'one');
  assert.deepEqual(await hears(a, 1), ['one']);
  a.socket.destroy();
  await until(async () => (await before.metric('connections')) === 0, 'it is away');
  await before.daemon.hub.publish('door:a:commands', 'two');
  await before.daemon.stop();
  const after = await place(t, input);
  await after.daemon.hub.publish('door:a:commands', 'three');
  assert.deepEqual(await hears(await come(after, 'a'), 2), ['two', 'three']);
});

test('a channel tells whether a device is here, also when the daemon has stopped', async (t) => {
  const input: ConfigInput = { ...INPUT, store: `sqlite:${join(temporaryFolder(t), 'zocalo.db')}` };
  const parts = await place(t, input);
  const begun = Date.now();
  type State = { device: string; here: boolean; lastSeen: number };
  const states = async ({ stored }: Pick<typeof parts, 'stored'>) => (await stored('door:a:state')) as State[];
  const a = await come(parts, 'a');
  await until(async () => (await states(parts)).length === 1, 'it came');
  a.socket.destroy();
  await until(async () => (await states(parts)).length === 2, 'it went');
  // The newer line of the same device is no news.
  await come(parts, 'a', 1);
  const again = await come(parts, 'a', 2);
  assert.equal(await again.next(), 'OK 2');
  await parts.daemon.stop();
  const after = await place(t, input);
  const all = await states(after);
  assert.deepEqual(
    all.map(({ device, here }) => [device, here]),
    [
      ['a', true],
      ['a', false],
      ['a', true],
      ['a', false],
    ],
  );
  for (const { lastSeen } of all) assert.ok(lastSeen >= begun && lastSeen <= Date.now());
});

test('a device that was here when the daemon died is said to be away at its next start', async (t) => {
  const file = join(temporaryFolder(t), 'zocalo.db');
  const records = new DeviceRecords(`${file}-devices`, () => 1_000_000);
  records.open();
  records.saw('doors', 'a', true);
  records.saw('doors', 'b', false);
  records.saw('others', 'c', true);
  records.close();
  const { stored } = await place(t, { ...INPUT, store: `sqlite:${file}` });
  await until(async () => (await stored('door:a:state')).length > 0, 'it was said');
  assert.deepEqual(await stored('door:a:state'), [{ device: 'a', here: false, lastSeen: 1_000_000 }]);
  assert.deepEqual([await stored('door:b:state'), await stored('door:c:state')], [[], []]);
});

test('a name that fits no channel costs nothing', async (t) => {
  const parts = await place(t, { ...INPUT, sources: { doors: { ...SOURCE, channel: 'door:all' } } });
  const odd = await connect(await addressOf(parts.daemon));
  t.after(() => odd.destroy());
  odd.write('{"id":"..","n":1}\n');
  const lines = odd.lines();
  assert.equal((await lines.next()).value, 'OK 1');
  const a = await come(parts, 'a');
  await parts.daemon.hub.publish('door:a:commands', 'x');
  assert.deepEqual(await hears(a, 1), ['x']);
});
