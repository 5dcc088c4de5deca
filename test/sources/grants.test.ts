import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import type { ZocaloError } from '../../src/errors.ts';
import { dialectOf, inspectOutbox, Lookup } from '../../src/sources/databases/index.ts';
import { inspectTable, openTable } from '../../src/sources/sinks/index.ts';
import type { DatabaseServer } from '../support/database-server.ts';
import { MARIADB, startMariadb } from '../support/mariadb.ts';
import { missing } from '../support/need.ts';
import { noPostgres, startPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KINDS = [
  { name: 'mariadb', skip: missing(...MARIADB), start: startMariadb, user: "CREATE USER 'in-put'@'%'", mark: '`' },
  { name: 'postgres', skip: noPostgres, start: startPostgres, user: 'CREATE ROLE "in-put" LOGIN', mark: '"' },
] as const;

for (const { name, skip, start, user, mark } of KINDS)
  test(`${name}: a missing right is reported with the statement that grants it, which works as it is`, {
    skip,
  }, async (t) => {
    const { address }: DatabaseServer = await start(t);
    const administrator = await dialectOf(address)!.connect(address, '', () => {});
    t.after(() => administrator.close());
    for (const statement of [
      user,
      ...dialectOf(address)!.create('zocalo_outbox'),
      'CREATE TABLE accesses (badge INTEGER)',
      `CREATE TABLE users (${mark}e mail${mark} VARCHAR(20), secret VARCHAR(20))`,
      ...(name === 'postgres' ? ['REVOKE CREATE ON SCHEMA public FROM PUBLIC'] : []),
    ])
      await administrator.query(statement);
    const url = new URL(address);
    url.username = 'in-put';
    const its = url.href;
    /** Tries it, gives the right that the error names, and tries again. */
    const allowing = async (attempt: () => Promise<unknown>) => {
      const { message } = (await attempt().then(
        () => assert.fail('it was allowed'),
        (error: ZocaloError) => error,
      )) as Error;
      const [, statements] = /; run as its administrator: (.*)$/.exec(message) ?? assert.fail(message);
      for (const statement of statements!.split('; ')) await administrator.query(statement);
      await attempt();
    };
    await allowing(() => inspectOutbox(its, 'zocalo_outbox'));
    const table = { address: its, table: 'accesses', columns: ['badge'], sink: 'doors', store: 'one' };
    const [{ happened, advice } = assert.fail('nothing was found')] = await inspectTable(table).catch((error) => [
      error,
    ]);
    assert.match(`${happened}: ${advice}`, /GRANT INSERT ON .*accesses TO /);
    await allowing(async () => {
      const target = await openTable(table);
      await target.write([{ place: 1, values: [1] }]).finally(() => target.close());
    });
    await allowing(async () => {
      const columns = { name: 'e mail' };
      const lookup = new Lookup({ address: its, table: 'users', columns, clock: systemClock, patience: 10_000 });
      await lookup.some(1).finally(() => lookup.close());
    });
    const other = await dialectOf(its)!.connect(its, '', () => {});
    await assert.rejects(other.query('SELECT secret FROM users'), { code: 'DATABASE_FAILED' });
    other.close();
  });

test('sqlite: a file that cannot be written says that it should be', {
  skip: process.getuid?.() === 0 ? 'root may write to any file' : false,
}, async (t: TestContext) => {
  const file = `${temporaryFolder(t)}/shop.db`;
  const database = new DatabaseSync(file);
  for (const statement of dialectOf('sqlite:x')!.create('zocalo_outbox')) database.exec(statement);
  database.close();
  chmodSync(file, 0o444);
  await assert.rejects(inspectOutbox(`sqlite:${file}`, 'zocalo_outbox'), /let the user of the daemon write/);
});
