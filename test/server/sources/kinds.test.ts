import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { connectAsync } from 'mqtt';
import { listen } from '../../../src/stream/index.ts';
import { configOf } from '../../support/config.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { place } from './device-place.ts';

const channels = { 'c:*': {} };

test('a file: what is written to a FIFO is in the channel, and the source is down while there is none', async (t) => {
  const path = join(temporaryFolder(t), 'readings');
  const input = { channels, sources: { doors: { file: path, frame: 'lines', channel: 'c:fifo' } } } as const;
  const { stored, metric } = await place(t, input);
  await until(async () => (await metric('failures_total')) > 0, 'it was not there');
  assert.equal(await metric('up'), 0);
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  await until(async () => (await metric('up')) === 1, 'it was opened');
  const writer = await open(path, 'w');
  await writer.write('12.5\n');
  await writer.close();
  await until(async () => (await stored('c:fifo')).length === 1, 'it was stored');
  assert.deepEqual(await stored('c:fifo'), ['12.5']);
});

test('a device that must be asked is asked by the configuration’s requests', async (t) => {
  const meter = await listen('tcp://127.0.0.1:0');
  t.after(() => meter.close({ grace: 0 }));
  void (async () => {
    for await (const socket of meter)
      socket.on('data', (request: Buffer) => {
        assert.equal(request.toString('hex'), '000100000006070300100001');
        socket.write(Buffer.from('0001000000050703020096', 'hex'));
      });
  })();
  const doors = {
    dial: meter.addresses[0]!,
    frame: 'modbus',
    decode: { kind: 'fields', fields: { unit: 'u8@6', kilowatts: 'u16be/10@9' } },
    channel: 'c:{unit}',
    only: 'changed',
    poll: { every: '10ms', send: { hex: '0001 0000 0000 07 03 0010 0001' } },
  } as const;
  const { stored, metric } = await place(t, { channels, sources: { doors } });
  await until(async () => (await metric('readings_unchanged_total')) >= 2, 'it was asked three times');
  assert.deepEqual(await stored('c:7'), [{ unit: 7, kilowatts: 15 }]);
});

test('MQTT: messages are stored, commands are published, and neither is lost while the broker is away', {
  skip: missing('mosquitto'),
}, async (t) => {
  const broker = await startMosquitto(t);
  const doors = {
    mqtt: `${broker.url}/sensors/{device}/t`,
    decode: { kind: 'json' },
    channel: 'c:{device}',
    commands: 'c:{device}:set',
    topic: 'sensors/{device}/set',
  } as const;
  const { call, stored, metric } = await place(t, { channels: { 'c:*': {} }, sources: { doors } });
  await until(async () => (await metric('up')) === 1, 'it was connected');
  const device = async () => {
    const client = await connectAsync(broker.url, { reconnectPeriod: 0 });
    client.on('error', () => {});
    t.after(() => client.endAsync(true));
    const heard: string[] = [];
    client.on('message', (topic, payload) => void heard.push(`${topic} ${payload}`));
    await client.subscribeAsync('sensors/+/set', { qos: 1 });
    return { client, heard };
  };
  const first = await device();
  await first.client.publishAsync('sensors/attic/t', '{"celsius":20}', { qos: 1 });
  await until(async () => (await stored('c:attic')).length === 1, 'it was stored');
  const command = (data: string) => call('POST', '/api/publish', { channel: 'c:attic:set', data });
  await command('on');
  await until(() => first.heard.length === 1, 'the command came');
  await broker.stop();
  await until(async () => (await metric('up')) === 0, 'the loss was noticed');
  await command('off');
  await broker.start();
  const second = await device();
  await until(() => second.heard.length === 1, 'the second command came');
  await until(async () => (await metric('up')) === 1, 'it was connected again');
  await second.client.publishAsync('sensors/attic/t', '{"celsius":21}', { qos: 1 });
  await until(async () => (await stored('c:attic')).length === 2, 'it was stored');
  assert.deepEqual([...first.heard, ...second.heard], ['sensors/attic/set on', 'sensors/attic/set off']);
});

test('time clocks that push by HTTP: curl as the device', { skip: missing('curl') }, async (t) => {
  const doors = {
    push: 'zkteco-push' as const,
    ids: ['A1'],
    channel: 'c:{device}',
    commands: 'c:{device}:do',
    data: { user: '{user}', at: '{time}' },
  };
  const input = { channels: { 'c:*': {} }, sources: { doors } };
  const { url, daemon, call, stored, metric, log } = await place(t, input);
  const curl = async (path: string, ...words: string[]) =>
    (await promisify(execFile)('curl', ['-s', '-w', ' %{http_code}', ...words, `${url}${path}`])).stdout;
  assert.match(await curl('/iclock/cdata?SN=A1&options=all'), /^GET OPTION FROM: A1\n[\s\S]* 200$/);
  const lines = '7\t2026-08-21 10:42:07\t0\t1\t0\n8\t2026-08-21 10:42:09\t0\t1\t0\n';
  for (let times = 0; times < 2; times++)
    assert.equal(
      await curl(
        '/iclock/cdata?SN=A1&table=ATTLOG&Stamp=9999',
        '-H',
        'Transfer-Encoding: chunked',
        '--data-binary',
        lines,
      ),
      'OK: 2 200',
    );
  assert.deepEqual(await stored('c:A1'), [
    { user: '7', at: '2026-08-21 10:42:07' },
    { user: '8', at: '2026-08-21 10:42:09' },
  ]);
  await call('POST', '/api/publish', { channel: 'c:A1:do', data: 'REBOOT' });
  let order = '';
  await until(async () => {
    order = await curl('/iclock/getrequest?SN=A1');
    return order !== 'OK 200';
  }, 'the command came');
  const [, id] = /^C:(\d+):REBOOT\n 200$/.exec(order)!;
  assert.equal(await curl('/iclock/devicecmd?SN=A1', '-d', `ID=${id}&Return=0&CMD=REBOOT`), 'OK 200');
  assert.equal(await curl('/iclock/cdata?SN=B2&table=ATTLOG', '-d', lines), 'not on the list\n 403');
  await until(() => /trouble with a device/.test(log.text), 'it was told');
  const told = log.lines.find(({ sentence }) => sentence === 'trouble with a device')!;
  assert.deepEqual([told.fields.source, (told.fields.err as { code: string }).code], ['doors', 'DEVICE_REFUSED']);
  assert.equal(await metric('refused_total'), 1);
  await daemon.reload(configOf({ ...input, sources: {} }));
  assert.match(await curl('/iclock/cdata?SN=A1'), / 404$/);
});
