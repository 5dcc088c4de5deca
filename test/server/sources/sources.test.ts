import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { dialectOf, placeOf } from '../../../src/sources/index.ts';
import { configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

/** An SQLite file with an outbox, as an application has it. */
function shopIn(t: TestContext, name = 'shop.db') {
  const file = join(temporaryFolder(t), name);
  const application = new DatabaseSync(file);
  t.after(() => application.close());
  for (const text of dialectOf('sqlite:x')!.create('zocalo_outbox')) application.exec(text);
  const insert = (channel: string, data: unknown) =>
    application.prepare('INSERT INTO zocalo_outbox (channel, data) VALUES (?, ?)').run(channel, JSON.stringify(data));
  const isEmpty = () => application.prepare('SELECT 1 FROM zocalo_outbox').get() === undefined;
  const errors = () =>
    application
      .prepare('SELECT error FROM zocalo_outbox ORDER BY id')
      .all()
      .map(({ error }) => error);
  return {
    errors,
    file,
    database: `sqlite:${file}`,
    insert,
    isEmpty,
    empty: () => until(isEmpty, 'the outbox was empty'),
  };
}

test('rows of an outbox reach the subscribers, and the metrics and /health tell of the source', async (t) => {
  const shop = shopIn(t);
  const { client, url } = await startDaemon(t, {
    channels: { 'orders:*': {} },
    sources: { shop: { database: shop.database } },
  });
  const heard: unknown[] = [];
  client()
    .subscribe('orders:7', { recent: 10 })
    .on('message', ({ data }) => void heard.push(data));
  shop.insert('orders:7', { total: 12.5 });
  await until(() => heard.length === 1, 'the row was heard of');
  assert.deepEqual(heard, [{ total: 12.5 }]);
  await shop.empty();
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^zocalo_source_up\{source="shop"\} 1$/m);
  assert.match(metrics, /^zocalo_source_rows_total\{source="shop"\} 1$/m);
  assert.match(metrics, /^zocalo_source_rows_waiting\{source="shop"\} \d+$/m);
  assert.match(metrics, /^zocalo_source_read_lag_seconds\{source="shop"\} [\d.]+$/m);
  const health = (await (await fetch(`${url}/health`)).json()) as { ok: boolean; sources: { shop: { ok: boolean } } };
  assert.deepEqual([health.ok, health.sources.shop.ok], [true, true]);
});

test('a row for a channel that nobody could read, or for one of the daemon, is kept in the outbox with its error', async (t) => {
  const shop = shopIn(t);
  const { url, log } = await startDaemon(t, {
    channels: { 'orders:*': {} },
    sources: { shop: { database: shop.database } },
  });
  shop.insert('order:7', 1);
  shop.insert('zocalo:admin', 2);
  shop.insert('orders:7', 3);
  const aside = async () => {
    const { sources } = (await (await fetch(`${url}/health`)).json()) as { sources: { shop: { aside: number } } };
    return sources.shop.aside;
  };
  await until(async () => (await aside()) === 2, 'two rows were set aside');
  assert.deepEqual(shop.errors(), [
    'order:7 matches no entry of the key channels, so that nobody could read it',
    "zocalo:admin is one of the daemon's own channels",
  ]);
  const codes = log.lines.map(({ fields }) => (fields.err as { code?: string } | undefined)?.code);
  assert.equal(codes.filter((code) => code === 'OUTBOX_ROW_REFUSED').length, 2);
});

test('a source whose database is missing costs the daemon and the other sources nothing', async (t) => {
  const shop = shopIn(t);
  const gone = shopIn(t);
  rmSync(gone.file);
  const { url, log } = await startDaemon(t, {
    sources: { shop: { database: shop.database }, gone: { database: gone.database } },
  });
  shop.insert('c', 1);
  await shop.empty();
  await until(() => /a source failed/.test(log.text), 'the log told');
  const line = log.lines.find(({ sentence }) => sentence === 'a source failed')!;
  assert.equal(line.fields.source, 'gone');
  assert.equal((line.fields.err as { code: string }).code, 'DATABASE_UNREACHABLE');
  const response = await fetch(`${url}/health`);
  assert.equal(response.status, 200);
  const { sources } = (await response.json()) as { sources: Record<string, { ok: boolean; error?: string }> };
  assert.equal(sources.shop!.ok, true);
  assert.equal(sources.gone!.error, 'DATABASE_UNREACHABLE');
  assert.match(await (await fetch(`${url}/metrics`)).text(), /^zocalo_source_up\{source="gone"\} 0$/m);
});

test('a reload adds, changes and removes sources, and those that stay the same go on', async (t) => {
  const [one, two] = [shopIn(t), shopIn(t)];
  const { daemon } = await startDaemon(t, {});
  const use = (sources: NonNullable<Parameters<typeof configOf>[0]>['sources']) => daemon.reload(configOf({ sources }));
  await use({ shop: { database: one.database } });
  one.insert('c', 1);
  await one.empty();
  await use({ shop: { database: two.database }, other: { database: one.database } });
  two.insert('c', 2);
  one.insert('c', 3);
  await Promise.all([one.empty(), two.empty()]);
  await use({ other: { database: one.database } });
  one.insert('c', 4);
  two.insert('c', 5);
  await one.empty();
  assert.ok(!two.isEmpty(), 'a source that was removed takes nothing');
  const { entries } = await daemon.hub.history('c');
  assert.deepEqual(entries.map(([, data]) => data).toSorted(), [1, 2, 3, 4]);
});

test('addresses of databases are checked, and named without user and password', () => {
  for (const database of ['oracle://x/y', 'mysql://host', 'mysql:shop', 'postgres://', 'shop.db'])
    assert.throws(() => configOf({ sources: { shop: { database } } }), /postgres:\/\//, database);
  const all = [
    'mysql://u:p@h/shop',
    'mariadb://h/shop',
    'postgres://h:1/shop',
    'postgresql://h/shop',
    'sqlite:shop.db',
  ];
  for (const database of all) assert.ok(configOf({ sources: { shop: { database } } }));
  assert.equal(placeOf('mysql://u:p@h:3307/shop?ssl={}'), 'mysql://h:3307/shop');
});
