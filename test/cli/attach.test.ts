import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { parse } from 'yaml';
import { zocaloIn } from '../support/cli.ts';
import { startDaemon } from '../support/daemon.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

test('zocalo attach prints its SQL, runs it with --yes, and prints the configuration with which changes are published', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'shop.db');
  const application = new DatabaseSync(file);
  t.after(() => application.close());
  application.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, total REAL)');
  const words = ['attach', `sqlite:${file}`, '--table', 'orders', '--channel', 'orders:{customer_id}'];
  const attached = () => application.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'zocalo_outbox'").get();

  const shown = zocaloIn(folder, words);
  assert.equal(await shown.exited, 0, shown.stderr);
  assert.match(shown.stdout, /^CREATE TABLE "zocalo_outbox" \([\s\S]*CREATE TRIGGER [\s\S]*^sources:$/m);
  assert.match(shown.stderr, /nothing was changed: --yes runs this/);
  assert.equal(attached(), undefined);

  const done = zocaloIn(folder, [...words, '--yes']);
  assert.equal(await done.exited, 0, done.stderr);
  const { sources, channels } = parse(done.stdout.slice(done.stdout.indexOf('sources:')));
  const { daemon } = await startDaemon(t, { sources, channels });
  const again = zocaloIn(folder, [...words, '--yes']);
  assert.equal(await again.exited, 0, again.stderr);
  assert.match(again.stdout, /configuration:\nchannels:\n/); // a second table: the source is there
  assert.deepEqual(channels, { 'orders:*': { subscribe: 'granted' } });
  application.exec('INSERT INTO orders VALUES (1, 7, 12.5)');
  const entries = async () => (await daemon.hub.history('orders:7')).entries;
  await until(async () => (await entries()).length === 1, 'the change was published');
  const row = { id: 1, customer_id: 7, total: 12.5 };
  assert.deepEqual((await entries())[0]![1], { op: 'insert', table: 'orders', row, old: null });
  await daemon.stop();

  const gone = zocaloIn(folder, ['detach', `sqlite:${file}`, '--yes']);
  assert.equal(await gone.exited, 0, gone.stderr);
  assert.equal(attached(), undefined);
});

test('zocalo attach refuses an address that is not a database', async (t) => {
  const program = zocaloIn(temporaryFolder(t), ['attach', 'oracle://x/y', '--table', 'a', '--channel', 'b']);
  assert.equal(await program.exited, 2);
  assert.match(program.stderr, /^BAD_OPTION: oracle:\/\/x\/y is not a database; write postgres:/);
});
