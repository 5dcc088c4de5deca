import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZocaloError } from '../../../src/errors.ts';
import { listen } from '../../../src/stream/index.ts';
import { configOf } from '../../support/config.ts';
import { freePort } from '../../support/free-port.ts';
import { until } from '../../support/until.ts';
import { addressOf, DOORS, place } from './device-place.ts';

test('a reading of a device is stored in its channel, to which no visitor may publish, and then answered', async (t) => {
  const { device, client, stored, url } = await place(t);
  const heard: unknown[] = [];
  const page = client().subscribe('door:7', { recent: 10 });
  page.on('message', ({ data }) => void heard.push(data));
  await assert.rejects(page.publish({ forged: true }), { code: 'FORBIDDEN' });
  const { socket, lines } = await device();
  socket.write('{"id":7,"n":1,"time":"2026-08-21T10:42:07"}\n{"id":7,');
  assert.equal((await lines.next()).value, 'OK 1');
  socket.write('"n":2}\n');
  assert.equal((await lines.next()).value, 'OK 2');
  assert.deepEqual(await stored('door:7'), [
    { id: 7, n: 1, time: '2026-08-21T10:42:07' },
    { id: 7, n: 2 },
  ]);
  await until(() => heard.length === 2, 'the page heard both');
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const line of ['up{source="doors"} 1', 'connections{source="doors"} 1', 'frames_total{source="doors"} 2'])
    assert.ok(metrics.includes(`\nzocalo_source_${line}\n`), line);
  const health = (await (await fetch(`${url}/health`)).json()) as { sources: object };
  assert.deepEqual(health.sources, { doors: { ok: true, connections: 1, waiting: 0 } });
});

test('garbage is logged with the name of the source, and costs the others nothing', async (t) => {
  const { device, log, stored, url } = await place(t);
  const [bad, good] = [await device(), await device()];
  bad.socket.write('what?\n');
  good.socket.write('{"id":"a","n":1}\n');
  assert.equal((await good.lines.next()).value, 'OK 1');
  await until(() => /trouble with a device/.test(log.text), 'the log told');
  const { level, fields } = log.lines.find(({ sentence }) => sentence === 'trouble with a device')!;
  assert.deepEqual(
    [level, fields.source, (fields.err as { code: string }).code],
    ['warn', 'doors', 'FRAME_NOT_DECODED'],
  );
  assert.deepEqual(await stored('door:a'), [{ id: 'a', n: 1 }]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^zocalo_source_refused_total\{source="doors"\} 1$/m);
  assert.match(metrics, /^zocalo_source_failures_total\{source="doors"\} 1$/m);
});

test('a source whose port is taken is reported, and works as soon as the port is free', async (t) => {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const other = await listen(address);
  t.after(() => other.close({ grace: 0 }));
  const { url, log, daemon } = await place(t, { sources: { doors: { ...DOORS, listen: address }, more: DOORS } });
  await addressOf(daemon, 'more');
  await until(() => /a source failed/.test(log.text), 'the log told');
  const failed = log.lines.find(({ sentence }) => sentence === 'a source failed')!;
  assert.deepEqual([failed.fields.source, (failed.fields.err as { code: string }).code], ['doors', 'ADDRESS_IN_USE']);
  const { ok, sources } = (await (await fetch(`${url}/health`)).json()) as {
    ok: boolean;
    sources: Record<string, { ok: boolean; error?: string }>;
  };
  assert.deepEqual(
    [ok, sources.doors!.ok, sources.doors!.error, sources.more!.ok],
    [true, false, 'ADDRESS_IN_USE', true],
  );
  await other.close({ grace: 0 });
  assert.equal(await addressOf(daemon), address);
});

test('a device that is dialled counts as away until it answers, and takes commands', async (t) => {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const scale = { dial: address, frame: 'lines', channel: 'scale', device: 'one', commands: 'scale:{device}' } as const;
  const { log, stored, daemon, url } = await place(t, { sources: { scale } });
  const health = async () =>
    ((await (await fetch(`${url}/health`)).json()) as { sources: { scale: { ok: boolean; error?: string } } }).sources
      .scale;
  await until(() => log.lines.some(({ sentence }) => sentence === 'trouble with a device'), 'the log told');
  const { ok, error } = await health();
  assert.deepEqual([ok, error], [false, 'CONNECTION_REFUSED']);
  await daemon.hub.publish('scale:one', 'zero');
  const server = await listen(address);
  t.after(() => server.close({ grace: 0 }));
  const socket = await server.accept();
  socket.write('12.5\n');
  assert.equal((await socket.lines().next()).value, 'zero');
  await until(async () => (await stored('scale')).length === 1, 'it was heard');
  assert.deepEqual(await stored('scale'), ['12.5']);
  assert.equal((await health()).ok, true);
});

test('a reload leaves the same source alone, and lets another one take over a port', async (t) => {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const doors = { ...DOORS, listen: address };
  const { daemon, device, stored } = await place(t, { sources: { doors, other: DOORS } });
  const [before, same] = [await device(), await device('other')];
  before.socket.write('{"id":"a","n":1}\n');
  assert.equal((await before.lines.next()).value, 'OK 1');
  await daemon.reload(configOf({ sources: { gates: { ...doors, channel: 'gate:{device}' }, other: DOORS } }));
  assert.equal((await before.lines.next()).done, true);
  assert.equal(await addressOf(daemon, 'gates'), address);
  const after = await device('gates');
  after.socket.write('{"id":"a","n":2}\n');
  assert.equal((await after.lines.next()).value, 'OK 2');
  same.socket.write('{"id":"b","n":3}\n');
  assert.equal((await same.lines.next()).value, 'OK 3');
  assert.deepEqual(await stored('door:a'), [{ id: 'a', n: 1 }]);
  assert.deepEqual(await stored('gate:a'), [{ id: 'a', n: 2 }]);
});

test('while the log is full a device is held back by TCP and gets no answer, and then nothing is lost', async (t) => {
  const { daemon, device, stored, metric, log } = await place(t, {
    channels: { 'door:*': { history: { size: 10_000 } } },
    sources: { doors: { ...DOORS, data: '{n}' } },
  });
  const { socket, lines } = await device();
  const full = t.mock.method(daemon.hub, 'publish', async () => {
    throw new ZocaloError('LOG_FULL', 'the disk is full');
  });
  const filler = 'x'.repeat(4_000);
  const count = 3_000;
  for (let n = 0; n < count; n++) socket.write(`${JSON.stringify({ id: 'a', n, filler })}\n`);
  const isTold = () => log.lines.some(({ fields }) => (fields.err as { code?: string })?.code === 'LOG_FULL');
  await until(isTold, 'the log told');
  const waiting = await metric('readings_waiting');
  assert.ok(waiting > 0 && waiting <= 64, `${waiting} wait`);
  assert.ok(socket.writableLength > 1_000_000, `the device is held back: ${socket.writableLength} bytes wait there`);
  assert.equal(socket.readableLength, 0);
  full.mock.restore();
  for (let n = 0; n < count; n++) assert.equal((await lines.next()).value, `OK ${n}`);
  assert.deepEqual(
    await stored('door:a'),
    Array.from({ length: count }, (_, n) => n),
  );
});
