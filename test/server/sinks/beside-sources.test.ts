import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { connectAsync } from 'mqtt';
import type { ConfigInput } from '../../support/config.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { DOORS, place } from '../sources/device-place.ts';

/** A daemon with a source whose readings go into a table, and what is in the table. */
async function written(t: TestContext, source: object, columns: Record<string, string>) {
  const file = join(temporaryFolder(t), 'shop.db');
  const shop = new DatabaseSync(file, { timeout: 5_000 });
  t.after(() => shop.close());
  shop.exec('CREATE TABLE readings (door TEXT NOT NULL, said NOT NULL)');
  const into = { database: `sqlite:${file}`, table: 'readings', columns: { door: '{channel}', ...columns } };
  const input = { channels: { 'c:*': {} }, sources: { doors: { ...source, into } } } as unknown as ConfigInput;
  const parts = await place(t, input);
  const rows = () =>
    shop
      .prepare('SELECT door, said FROM readings ORDER BY rowid')
      .all()
      .map((row) => ({ ...row }));
  const waiting = async () => {
    const { sinks } = (await (await fetch(`${parts.url}/health`)).json()) as {
      sinks: Record<string, { waiting?: number; aside?: number }>;
    };
    return sinks['sources.doors']!;
  };
  return { ...parts, rows, waiting };
}

test('the readings of devices go into a table, and their commands and states do not', async (t) => {
  const doors = { ...DOORS, channel: 'c:{device}', commands: 'c:{device}:do', state: 'c:{device}:state' };
  const { device, rows, stored, daemon, waiting } = await written(t, doors, { said: '{n}' });
  const { socket, lines } = await device();
  socket.write('{"id":"a","n":1}\n');
  assert.equal((await lines.next()).value, 'OK 1');
  await until(async () => (await stored('c:a:state')).length === 1, 'its state was published');
  await daemon.hub.publish('c:a:do', { n: 'open' });
  assert.equal((await lines.next()).value, '{"n":"open"}');
  socket.write('{"id":"a","n":2}\n');
  await until(() => rows().length === 2, 'both were written');
  const seen = [
    { door: 'c:a', said: 1 },
    { door: 'c:a', said: 2 },
  ];
  assert.deepEqual(rows(), seen);
  await until(async () => (await waiting()).waiting === 0, 'nothing is left');
  assert.equal((await waiting()).aside, 0);
  assert.deepEqual(rows(), seen);
});

test('the messages of a broker go into a table', { skip: missing('mosquitto') }, async (t) => {
  const broker = await startMosquitto(t);
  const mqtt = { mqtt: `${broker.url}/s/{device}`, decode: { kind: 'json' }, channel: 'c:{device}' };
  const { rows, metric } = await written(t, mqtt, { said: '{celsius}' });
  await until(async () => (await metric('up')) === 1, 'it was connected');
  const client = await connectAsync(broker.url);
  t.after(() => client.endAsync(true));
  await client.publishAsync('s/attic', '{"celsius":20}', { qos: 1 });
  await until(() => rows().length === 1, 'it was written');
  assert.deepEqual(rows(), [{ door: 'c:attic', said: 20 }]);
});

test('the records of time clocks that push go into a table, once', async (t) => {
  const push = { push: 'zkteco-push', ids: ['A1'], channel: 'c:{device}' };
  const { rows, url, waiting } = await written(t, push, { said: '{data.user} {data.time}' });
  for (let times = 0; times < 2; times++) {
    const body = '7\t2026-08-21 10:42:07\t0\t1\t0\n';
    const answer = await fetch(`${url}/iclock/cdata?SN=A1&table=ATTLOG`, { method: 'POST', body });
    assert.equal(await answer.text(), 'OK: 1');
  }
  await until(() => rows().length === 1, 'it was written');
  await until(async () => (await waiting()).waiting === 0, 'nothing is left');
  assert.deepEqual(rows(), [{ door: 'c:A1', said: '7 2026-08-21 10:42:07' }]);
});

test('raw lines go into a table, and so does what others publish in their channel', async (t) => {
  const { device, rows, daemon } = await written(
    t,
    { lines: 'tcp://127.0.0.1:0', channel: 'c:square' },
    { said: '{data}' },
  );
  const { socket, lines } = await device();
  socket.write('hola\n');
  await until(() => rows().length === 1, 'it was written');
  await daemon.hub.publish('c:square', 'hello');
  assert.equal((await lines.next()).value, 'hello');
  await until(() => rows().length === 2, 'both were written');
  assert.deepEqual(rows(), [
    { door: 'c:square', said: 'hola' },
    { door: 'c:square', said: 'hello' },
  ]);
});
