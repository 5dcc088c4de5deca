import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/clock.ts';
import { openFile, PolledInput } from '../../../src/sources/devices/file.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { settle } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { Site } from './devices.ts';

const LINES = { frame: { kind: 'lines' }, channel: 'scale', reply: 'OK\n' } as const;

function makeFifo(path: string): void {
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
}

/** Opens a path, writes and closes it again, as `echo text > path` does. */
async function echo(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  await file.write(text);
  await file.close();
}

/** What stands still until the source has tried again. */
async function comes(site: Site, condition: () => boolean, what: string): Promise<void> {
  await until(() => {
    site.clock.advance(1_000);
    return condition();
  }, what);
}

test('a FIFO: what several programs write is published, in one stream, and nothing is written to it', async (t: TestContext) => {
  const path = join(temporaryFolder(t), 'readings');
  makeFifo(path);
  const site = await Site.open(t, { ...LINES, file: path });
  await until(() => site.source.totals.lines === 1, 'it was opened');
  await echo(path, 'one\ntw');
  await echo(path, 'o\nthree\n');
  await until(() => site.log.data.length === 3, 'all were stored');
  assert.deepEqual(site.log.data, ['one', 'two', 'three']);
  for (let times = 0; times < 20; times++) await settle();
  assert.deepEqual([site.log.data.length, site.codes], [3, []], 'answers did not come back');
  assert.equal(site.device(path)?.here, true);
});

test('a missing device is reported as a device, and not as a server', async (t) => {
  const path = join(temporaryFolder(t), 'ttyUSB0');
  const opened = openFile(path, { clock: systemClock, signal: new AbortController().signal });
  await assert.rejects(opened, { code: 'NO_SUCH_PATH', message: /ttyUSB0 does not exist; plug the device in, or / });
});

test('a FIFO that is made again, or later, is opened when it is there', async (t) => {
  const path = join(temporaryFolder(t), 'readings');
  const site = await Site.open(t, { ...LINES, file: path });
  await comes(site, () => site.codes.includes('NO_SUCH_PATH'), 'it was not there');
  makeFifo(path);
  await comes(site, () => site.source.totals.lines === 1, 'it was opened');
  rmSync(path);
  await comes(site, () => site.source.totals.lines === 0, 'it was gone');
  makeFifo(path);
  await comes(site, () => site.source.totals.lines === 1, 'it was opened again');
  await echo(path, 'back\n');
  await until(() => site.log.data.length === 1, 'it was read');
});

test('a file that is not a device is refused with a message that says so', async (t) => {
  const path = join(temporaryFolder(t), 'text');
  writeFileSync(path, 'one\n');
  const site = await Site.open(t, { ...LINES, file: path });
  await comes(site, () => site.codes.length > 0, 'it was refused');
  assert.deepEqual([...new Set(site.codes)], ['BAD_OPTION']);
  assert.deepEqual(site.log.data, []);
});

test('a device that is not a terminal is read no faster than it is stored', async (t) => {
  const site = await Site.open(t, {
    file: '/dev/zero',
    frame: { kind: 'fixed', length: 16 },
    channel: 'zero',
    decode: { kind: 'hex' },
  });
  const gate = Promise.withResolvers<void>();
  site.log.gate = gate.promise;
  await until(() => site.log.attempts === 64, 'a window was handed over');
  for (let times = 0; times < 20; times++) await settle();
  assert.equal(site.log.attempts, 64);
  gate.resolve();
  await until(() => site.log.stored.length > 1_000, 'it was read on');
  assert.equal(site.log.data[0], '00'.repeat(16));
});

test('a device that has nothing yet is asked again, until it has', async (t) => {
  const path = join(temporaryFolder(t), 'fifo');
  makeFifo(path);
  const writer = await open(path, constants.O_RDWR);
  t.after(() => writer.close());
  const input = new PolledInput(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), systemClock);
  t.after(() => input.destroy());
  let text = '';
  input.on('data', (chunk) => {
    text += chunk;
  });
  for (let times = 0; times < 20; times++) await settle();
  await writer.write('one');
  await until(() => text === 'one', 'it came');
});
