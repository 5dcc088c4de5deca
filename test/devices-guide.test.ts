import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { zocaloIn } from './support/cli.ts';
import { freePort } from './support/free-port.ts';
import { MARIADB, startMariadb } from './support/mariadb.ts';
import { missing } from './support/need.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const TEXT = readFileSync(resolve(import.meta.dirname, '../docs/devices.es.md'), 'utf8');

/** The blocks of a language, in their order. */
function blocks(language: string): string[] {
  return [...TEXT.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, block]) => block!);
}

test('the Spanish chapter on devices: what it has to paste brings a fingerprint into the log and into the table, once', {
  skip: missing('nc', 'curl', 'bash', ...MARIADB),
}, async (t) => {
  const database = await startMariadb(t);
  const [device, http] = [await freePort(), await freePort()];
  const placed = (text: string) =>
    text
      .replaceAll('5010', `${device}`)
      .replaceAll('localhost:9000', `127.0.0.1:${http}`)
      .replace('mysql://root@127.0.0.1/tienda', database.address);
  const shop = await createConnection(database.address);
  t.after(() => shop.end());
  await shop.query(blocks('sql')[0]!);
  const folder = temporaryFolder(t);
  const [reader, table, clock] = blocks('yaml') as [string, string, string];
  // One key `sources` has both: the reader's and the clock's.
  const sources = reader.trimEnd() + clock.replace('sources:', '').trimEnd();
  writeFileSync(
    join(folder, 'zocalo.config.yaml'),
    placed(`listen: http://127.0.0.1:${http}\nchat: false\n${sources}\n${table}`),
  );
  const daemon = zocaloIn(folder, ['serve']);
  t.after(() => daemon.stop('SIGKILL'));
  await daemon.says(/open at/);
  const [finger, history, call] = blocks('bash').map(placed) as [string, string, string];
  const run = async (command: string) => (await promisify(execFile)('bash', ['-c', command])).stdout;
  for (let times = 0; times < 2; times++) await run(finger);
  const seen = { credencial: 4711, cuando: '2026-08-21T10:42:07' };
  await until(async () => (await run(history)).includes('4711'), 'the reading was in the log');
  const { entries } = JSON.parse(await run(history)) as { entries: [number, unknown][] };
  assert.deepEqual(
    entries.map(([, data]) => data),
    [seen],
  );
  assert.equal(await run(call), 'OK: 1');
  const rows = async () =>
    (await shop.query<RowDataPacket[]>('SELECT lector, credencial, CAST(cuando AS CHAR) AS cuando FROM accesos'))[0];
  await until(async () => (await rows()).length === 2, 'both were in the table');
  assert.deepEqual(
    (await rows()).map((row) => ({ ...row })),
    ['puerta:1', 'puerta:3383154200002'].map((lector) => ({ lector, credencial: 4711, cuando: '2026-08-21 10:42:07' })),
  );
});
