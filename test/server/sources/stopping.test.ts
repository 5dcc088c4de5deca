import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { listen } from '../../../src/stream/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { DOORS, place } from './device-place.ts';

const channels = { 'door:*': {} };

test('a daemon whose clock stands still stops while a file is open', async (t) => {
  const path = join(temporaryFolder(t), 'readings');
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  const doors = { file: path, frame: 'lines', channel: 'door:1' } as const;
  const { daemon, metric, stored } = await place(t, { channels, sources: { doors } }, { clock: new FakeClock() });
  await until(async () => (await metric('up')) === 1, 'it was opened');
  const writer = await open(path, 'w');
  t.after(() => writer.close());
  await writer.write('12.5\n');
  await until(async () => (await stored('door:1')).length === 1, 'it was stored');
  await daemon.stop();
});

test('a daemon whose clock stands still stops while a device is connected', async (t) => {
  const { daemon, device } = await place(t, { channels, sources: { doors: DOORS } }, { clock: new FakeClock() });
  const { socket, lines } = await device();
  socket.write('{"id":"a","n":1}\n');
  assert.equal((await lines.next()).value, 'OK 1');
  await daemon.stop();
});

test('a daemon whose clock stands still stops while a dialled device is connected', async (t) => {
  const server = await listen('tcp://127.0.0.1:0');
  t.after(() => server.close({ grace: 0 }));
  const doors = { dial: server.addresses[0]!, frame: 'lines', channel: 'door:1' } as const;
  const { daemon, stored } = await place(t, { channels, sources: { doors } }, { clock: new FakeClock() });
  const socket = await server.accept();
  socket.write('1\n');
  await until(async () => (await stored('door:1')).length === 1, 'it was stored');
  await daemon.stop();
});
