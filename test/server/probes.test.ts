import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Broker, memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { Health } from '../../src/server/operations/index.ts';
import { API_KEY } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { settle } from '../support/turn.ts';
import { until } from '../support/until.ts';

test('/health and /ready answer 200 while a publication is delivered', async (t) => {
  const { url } = await startDaemon(t);
  for (const path of ['/health', '/ready']) {
    const response = await fetch(url + path);
    assert.deepEqual([response.status, await response.json()], [200, { ok: true }]);
  }
  const { status, headers } = await fetch(`${url}/health`, { method: 'POST' });
  assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD']);
});

test('/health reports a log that stores nothing, and recovers afterwards', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'square.db');
  const { url } = await startDaemon(t, { store: `sqlite:${file}` });
  const ask = async () => (await fetch(`${url}/health`)).status;
  assert.equal(await ask(), 200);
  const other = new DatabaseSync(file);
  other.exec('BEGIN EXCLUSIVE');
  await until(async () => (await ask()) === 503, 'it is not well');
  other.exec('ROLLBACK');
  other.close();
  await until(async () => (await ask()) === 200, 'it is well again');
});

test("/health fails when the log's file was deleted", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'square.db');
  const { url } = await startDaemon(t, { store: `sqlite:${file}` });
  assert.equal((await fetch(`${url}/health`)).status, 200);
  await rm(file);
  const publish = async () =>
    fetch(`${url}/api/publish`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      body: '{"channel":"news","data":1}',
    });
  assert.equal((await publish()).status, 503);
  await until(async () => (await fetch(`${url}/health`)).status === 503, 'it is not well');
});

test('/health tells how the last event of each handler went, and stays 200', async (t) => {
  const port = await freePort();
  const { url, client } = await startDaemon(t, {
    handlers: { login: { events: ['connect'], url: `http://127.0.0.1:${port}/` } },
  });
  const ask = async () => {
    const response = await fetch(`${url}/health`);
    assert.equal(response.status, 200);
    return ((await response.json()) as { handlers: object }).handlers;
  };
  assert.deepEqual(await ask(), { login: { ok: true } });
  client().subscribe('news');
  const failed = { login: { ok: false, error: 'HANDLER_UNREACHABLE' } };
  await until(async () => isDeepStrictEqual(await ask(), failed), 'the failure is told');
  const application = createServer((_, response) => response.end('{"user":"ana"}')).listen(port, '127.0.0.1');
  t.after(() => application.close());
  client().subscribe('news');
  await until(async () => isDeepStrictEqual(await ask(), { login: { ok: true } }), 'it is well again');
});

/** A hub whose broker tells nobody what it has taken, once `isDeaf`. */
async function place() {
  const clock = new FakeClock();
  const broker = memory({ clock });
  let isDeaf = false;
  const deafened: Broker = Object.assign(Object.create(broker) as Broker, {
    open: () => broker.open(),
    publish: (...call: Parameters<Broker['publish']>) => broker.publish(...call),
    close: () => broker.close(),
    watch: (name: string, listener: Parameters<Broker['watch']>[1]) =>
      broker.watch(name, (...news) => {
        if (!isDeaf) listener(...news);
      }),
  });
  const hub = new Hub({ broker: deafened, clock });
  await hub.open();
  const health = new Health(hub, { clock });
  await health.open();
  return {
    clock,
    health,
    hub,
    deafen() {
      isDeaf = true;
    },
  };
}

test('a publication that is not delivered makes the check fail, even if the log stored it', async () => {
  const { clock, health, deafen } = await place();
  assert.equal(await health.check(), undefined);
  deafen();
  clock.advance(1_001);
  const asked = health.check();
  await settle();
  clock.advance(2_000);
  assert.match((await asked)!, /did not come back within 2000 ms/);
});

test("a node's probes have numbers far from those of other nodes, which receive them too", async () => {
  const numbers: number[] = [];
  for (let node = 0; node < 2; node++) {
    const { hub, health } = await place();
    await hub.watch('zocalo:health', (_, number) => numbers.push(number as number));
    assert.equal(await health.check(), undefined);
  }
  const [one, other] = numbers as [number, number];
  assert.ok(Math.abs(one - other) > 1_000, `${one} and ${other}`);
});

test('a result is reused for a second, so that frequent probes cost nothing', async () => {
  const { clock, health, deafen } = await place();
  await health.check();
  deafen();
  clock.advance(1_000);
  assert.equal(await health.check(), undefined);
});

test('/metrics is for this machine and for keys that can read, and not for requests through a proxy', async (t) => {
  const { url, call } = await startDaemon(t);
  await call('POST', '/api/publish', { channel: 'news', data: 1 });
  const local = await fetch(`${url}/metrics`);
  assert.equal(local.status, 200);
  const text = await local.text();
  assert.match(text, /^zocalo_publications_total [1-9]/m);
  const proxied = { 'x-forwarded-for': '192.0.2.1' };
  assert.equal((await fetch(`${url}/metrics`, { headers: proxied })).status, 401);
  const headers = { ...proxied, authorization: `Bearer ${API_KEY}` };
  assert.equal((await fetch(`${url}/metrics`, { headers })).status, 200);
});
