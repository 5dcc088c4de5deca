import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { crossCheck } from '../../../src/server/config/cross-checks.ts';
import { API_KEY, type ConfigInput, configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { serveIn } from '../../support/serve-in.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

/** An application's SQLite file, with a table. */
function shopIn(t: TestContext) {
  const file = join(temporaryFolder(t), 'shop.db');
  const application = new DatabaseSync(file, { timeout: 5_000 });
  t.after(() => application.close());
  application.exec('CREATE TABLE accesses (badge INTEGER NOT NULL, door TEXT)');
  const rows = () =>
    application.prepare('SELECT badge, door FROM accesses ORDER BY rowid').all() as { badge: number }[];
  return {
    database: `sqlite:${file}`,
    application,
    badges: () => rows().map(({ badge }) => badge),
    doors: () => rows().map((row) => (row as unknown as { door: string }).door),
    count: () => Number(Object.values(application.prepare('SELECT count(*) FROM accesses').get()!)[0]),
  };
}

const columns = { badge: '{badge}', door: '{channel}' };

test('what is published to a channel is written to a table, and the metrics and /health tell of the sink', async (t) => {
  const shop = shopIn(t);
  const { daemon, url } = await startDaemon(t, {
    databases: { main: shop.database },
    sinks: { doors: { from: 'door:*', into: { database: 'main', table: 'accesses', columns } } },
  });
  for (const [channel, badge] of [
    ['door:1', 1],
    ['gate', 2],
    ['door:2', 3],
  ] as const)
    await daemon.hub.publish(channel, { badge });
  await until(() => shop.count() === 2, 'both were written');
  assert.deepEqual(
    [shop.badges(), shop.doors()],
    [
      [1, 3],
      ['door:1', 'door:2'],
    ],
  );
  const health = async () =>
    (await (await fetch(`${url}/health`)).json()) as { ok: boolean; sinks: Record<string, unknown> };
  await until(async () => (await health()).sinks.doors !== undefined, 'it is in /health');
  assert.equal(((await health()).sinks.doors as { ok: boolean }).ok, true);
  await until(async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const says = (line: string) => metrics.includes(`\nzocalo_sink_${line}\n`);
    return says('up{sink="doors"} 1') && says('rows_total{sink="doors"} 2') && says('rows_waiting{sink="doors"} 0');
  }, 'the metrics tell');
});

test("the short form beside a channel's options takes the channels of that entry, and no others", async (t) => {
  const shop = shopIn(t);
  const { daemon } = await startDaemon(t, {
    channels: { '*': { into: { database: shop.database, table: 'accesses', columns } }, 'door:*': {} },
  });
  await daemon.hub.publish('zocalo:health', { badge: 1 });
  await daemon.hub.publish('door:1', { badge: 2 });
  await daemon.hub.publish('gate', { badge: 3 });
  await until(() => shop.count() > 0, 'one was written');
  await daemon.stop();
  assert.deepEqual(shop.badges(), [3]);
});

test('a refused row is reported with sink, table and reason, and a missing table costs nothing but time', async (t) => {
  const shop = shopIn(t);
  const { daemon, log, url } = await startDaemon(t, {
    sinks: {
      doors: { from: 'door:*', into: { database: shop.database, table: 'accesses', columns } },
      lost: { from: 'gate', into: { database: shop.database, table: 'nowhere', columns } },
    },
  });
  await daemon.hub.publish('gate', { badge: 1 });
  await daemon.hub.publish('door:1', { badge: null });
  await daemon.hub.publish('door:1', { badge: 2 });
  await until(() => shop.count() === 1, 'the good one was written');
  await until(() => /a sink failed/.test(log.text), 'the other sink failed');
  const aside = log.lines.find(({ sentence }) => sentence === 'a publication was not written, and set aside')!;
  const { code, message } = aside.fields.err as { code: string; message: string };
  assert.deepEqual([aside.fields.sink, aside.fields.table, code], ['doors', 'accesses', 'SINK_ROW_REFUSED']);
  assert.match(message, /NOT NULL/);
  const health = (await (await fetch(`${url}/health`)).json()) as { sinks: { lost: { ok: boolean; error: string } } };
  assert.deepEqual([health.sinks.lost.ok, health.sinks.lost.error], [false, 'SINK_TABLE_UNFIT']);
  shop.application.exec('CREATE TABLE nowhere (badge INTEGER, door TEXT)');
  const nowhere = () => shop.application.prepare('SELECT badge FROM nowhere').all().length;
  await until(() => nowhere() === 1, 'the row was written when the table was there');
});

test('a reload adds, changes and removes sinks, and what waited is written as the new options say', async (t) => {
  const shop = shopIn(t);
  const { daemon } = await startDaemon(t, {});
  const sink = (more: object = {}): ConfigInput => ({
    databases: { main: shop.database },
    sinks: {
      doors: { from: 'door:*', into: { database: 'main', table: 'accesses', columns: { ...columns, ...more } } },
    },
  });
  await daemon.hub.publish('door:1', { badge: 0 });
  await daemon.reload(configOf(sink({ colour: 'red' })));
  await daemon.hub.publish('door:1', { badge: 1 });
  await daemon.reload(configOf(sink()));
  await daemon.hub.publish('door:2', { badge: 2 });
  await until(() => shop.count() === 2, 'both were written');
  await daemon.reload(configOf({}));
  await daemon.hub.publish('door:2', { badge: 3 });
  await daemon.reload(configOf(sink()));
  await daemon.hub.publish('door:2', { badge: 4 });
  await until(() => shop.count() === 3, 'the sink is back');
  assert.deepEqual(shop.badges(), [1, 2, 4]);
});

test('when too much waits, publications are refused and not lost', async (t) => {
  const shop = shopIn(t);
  const { daemon } = await startDaemon(t, {
    sinks: { doors: { from: 'door:*', into: { database: shop.database, table: 'none', columns, rows: 2 } } },
  });
  for (const badge of [1, 2]) await daemon.hub.publish('door:1', { badge });
  await assert.rejects(daemon.hub.publish('door:1', { badge: 3 }), { code: 'LOG_BUSY' });
  shop.application.exec('CREATE TABLE none (badge INTEGER, door TEXT)');
  const written = () => shop.application.prepare('SELECT badge FROM none').all().length;
  await until(() => written() === 2, 'what waited was written');
  await daemon.hub.publish('door:1', { badge: 3 });
  await until(() => written() === 3, 'and what came then');
});

test('an unknown database, and a store that forgets what waits, are reported at the start', () => {
  const into = { database: 'main', table: 'accesses', columns };
  const check = (input: ConfigInput) => {
    const { problems, warnings } = crossCheck(configOf(input), () => true);
    return [...problems, ...warnings].map(({ path, sentence }) => `${path.join('.')} ${sentence}`).join('\n');
  };
  const sinks = { doors: { from: 'door:*', into } };
  assert.match(check({ sinks }), /^sinks\.doors\.into\.database is main, which databases does not have$/m);
  assert.match(check({ sinks, databases: { main: 'sqlite:x' } }), /^sinks\.doors\.into waits in memory/m);
  assert.equal(check({ sinks, databases: { main: 'sqlite:x' }, store: 'sqlite:y' }), '');
  assert.match(check({ sinks: { own: { from: 'zocalo:*', into } } }), /sinks\.own\.from has one of the daemon's own/);
  assert.match(check({ sources: { shop: { database: 'other' } } }), /sources\.shop\.database is other, which/);
  const users = { database: 'users', table: 'users', columns: { name: 'email' } };
  assert.match(
    check({ auth: { login: { users } } }),
    /auth\.login\.users\.database is users, which databases does not/,
  );
  const pooled = { database: 'postgres://h/shop', notifications: 'main' };
  assert.match(check({ sources: { shop: pooled } }), /sources\.shop\.notifications is main, which databases does not/);
  const notPostgres = { sources: { shop: pooled }, databases: { main: 'mysql://h/shop' } };
  assert.match(check(notPostgres), /sources\.shop\.notifications is no Postgres/);
  for (const bad of [{ badge: '{badge' }, {}])
    assert.throws(() => configOf({ sinks: { doors: { from: 'a', into: { ...into, columns: bad } } } }));
});

test('each acknowledged publication is a row once and in order, although the daemon is killed again and again', async (t) => {
  const shop = shopIn(t);
  const { start, url } = await serveIn(t, {
    api: { keys: [{ name: 'test', key: API_KEY, can: ['publish'] }] },
    channels: { 'door:*': { history: false } },
    sinks: {
      doors: {
        from: 'door:*',
        into: { database: shop.database, table: 'accesses', columns: { badge: '{badge}', door: '{offset}' } },
      },
    },
  });
  let next = 0;
  const acknowledged: number[] = [];
  const publish = async (badge: number) => {
    const response = await fetch(`${url}/api/publish`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ channel: 'door:1', data: { badge } }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    acknowledged.push(badge);
  };
  for (let round = 0; round < 3; round++) {
    const program = await start();
    const before = acknowledged.length;
    let isAlive = true;
    const crowd = Array.from({ length: 8 }, async () => {
      while (isAlive)
        await publish(next++).catch((error) => {
          if (isAlive && !/fetch failed/.test(String(error))) throw error;
        });
    });
    await until(() => acknowledged.length > before + 20 + 15 * round, 'some were acknowledged');
    isAlive = false;
    await program.stop('SIGKILL');
    await Promise.all(crowd);
  }
  await start();
  const missing = () => {
    const there = new Set(shop.badges());
    return acknowledged.filter((badge) => !there.has(badge));
  };
  await until(() => missing().length === 0, 'all that was acknowledged was written');
  const offsets = shop.doors().map(Number);
  assert.deepEqual(
    offsets,
    offsets.map((_, at) => at + 1),
    'all of the log, once each and in order',
  );
});
