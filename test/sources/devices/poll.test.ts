import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DeviceOptions } from '../../../src/sources/devices/index.ts';
import { listen, type StreamSocket } from '../../../src/stream/index.ts';
import { settle } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { Site } from './devices.ts';

/** A device that is dialled, and the first connection with it. */
async function dialled(t: TestContext, options: Omit<DeviceOptions, 'dial'>) {
  const server = await listen('tcp://127.0.0.1:0');
  t.after(() => server.close({ grace: 0 }));
  const site = await Site.open(t, { ...options, dial: server.addresses[0]! });
  const next = async (): Promise<{ device: StreamSocket; heard: () => string }> => {
    let device: StreamSocket | undefined;
    void server.accept().then((socket) => {
      device = socket;
    });
    await until(() => {
      if (!device) site.clock.advance(1_000);
      return device !== undefined;
    }, 'the device was called');
    t.after(() => device!.destroy());
    let text = '';
    device!.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    return { device: device!, heard: () => text };
  };
  return { site, next, ...(await next()) };
}

const SCALE = { frame: { kind: 'lines' }, channel: 'scale', poll: { every: 1_000, send: 'S', timeout: 500 } } as const;

test('a device that must be asked is asked every so often, and its answers are published', async (t) => {
  const { site, device, heard } = await dialled(t, SCALE);
  await until(() => heard() === 'S\n', 'it was asked at once');
  device.write('1.5 kg\n');
  await until(() => site.log.data.length === 1, 'the answer was stored');
  await settle();
  site.clock.advance(999);
  await settle();
  assert.equal(heard(), 'S\n');
  site.clock.advance(1);
  await until(() => heard() === 'S\nS\n', 'it was asked again');
  device.write('1.6 kg\n');
  await until(() => site.log.data.length === 2, 'the answer was stored');
  assert.deepEqual([site.log.data, site.codes], [['1.5 kg', '1.6 kg'], []]);
});

test('several requests follow each other, each after the answer to the one before is stored', async (t) => {
  const { site, device, heard } = await dialled(t, { ...SCALE, poll: { ...SCALE.poll, send: ['A', 'B'] } });
  const gate = Promise.withResolvers<void>();
  site.log.gate = gate.promise;
  await until(() => heard() === 'A\n', 'it was asked');
  device.write('a\n');
  await until(() => site.log.attempts === 1, 'the answer came');
  site.clock.advance(10_000);
  for (let times = 0; times < 20; times++) await settle();
  assert.deepEqual([heard(), site.codes], ['A\n', []]);
  gate.resolve();
  await until(() => heard() === 'A\nB\n', 'the second was asked');
});

test('an answer that does not come is reported, and after three the device is called again', async (t) => {
  const { site, device, heard, next } = await dialled(t, SCALE);
  await until(() => heard() === 'S\n', 'it was asked');
  for (const count of [1, 2, 3]) {
    await until(() => heard() === 'S\n'.repeat(count), 'it was asked');
    await settle();
    site.clock.advance(500);
    await settle();
    if (count < 3) site.clock.advance(500);
  }
  await until(() => device.destroyed || device.readableEnded, 'the line was ended');
  assert.ok(site.codes.every((code) => code === 'POLL_UNANSWERED'));
  const again = await next();
  await until(() => again.heard() === 'S\n', 'it was asked by the new line');
});

test('an answer in between begins the count again', async (t) => {
  const { site, device, heard } = await dialled(t, SCALE);
  for (let count = 1; count <= 6; count++) {
    await until(() => heard() === 'S\n'.repeat(count), 'it was asked');
    if (count % 3 === 0) {
      device.write('0 kg\n');
      await until(() => site.log.data.length === count / 3, 'it was stored');
    }
    await settle();
    site.clock.advance(500);
    await settle();
    site.clock.advance(500);
  }
  assert.equal(device.destroyed, false);
});

test('Modbus TCP: registers are asked for, and only a value that differs is published', async (t) => {
  const { site, device, heard } = await dialled(t, {
    frame: 'modbus',
    channel: 'meter:{unit}',
    decode: { kind: 'fields', fields: { unit: 'u8@6', kilowatts: 'u16be/10@9' } },
    only: 'changed',
    poll: { every: 1_000, send: { hex: '0001 0000 0000 07 03 0010 0001' } },
  });
  const request = Buffer.from('000100000006070300100001', 'hex').toString('latin1');
  const answers = ['0096', '0096', '0097'];
  for (const [index, value] of answers.entries()) {
    await until(() => heard() === request.repeat(index + 1), 'it was asked');
    device.write(Buffer.from(`000100000005070302${value}`, 'hex'));
    await until(() => site.source.totals.frames === index + 1, 'the answer came');
    await settle();
    site.clock.advance(1_000);
  }
  await until(() => site.log.stored.length === 2, 'both values were stored');
  assert.deepEqual(
    site.log.stored.map(({ channel, data }) => [channel, data]),
    [15, 15.1].map((kilowatts) => ['meter:7', { unit: 7, kilowatts }]),
  );
});
