import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { HubPeer } from './hub-peer.ts';

const [BACK_UP = '', RENAME = ''] = [
  ...readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8').matchAll(
    /^sqlite3 zocalo\.db "(.*)"$/gm,
  ),
].map((match) => match[1]);

test('a backup made as in docs/operations.md restores the log, and shows a gap to readers who saw later publications', {
  skip: missing('sqlite3'),
}, async (t) => {
  const folder = temporaryFolder(t);
  const sqlite3 = (file: string, sql: string) => execFileSync('sqlite3', [file, sql], { cwd: folder });
  const drain = { spread: 0 };
  const first = await startDaemon(t, { store: `sqlite:${join(folder, 'zocalo.db')}`, drain });
  const before = await first.call('POST', '/api/publish', { channel: 'news', data: 'before' });
  sqlite3('zocalo.db', BACK_UP);
  const after = await first.call('POST', '/api/publish', { channel: 'news', data: 'after' });
  assert.equal(after.body.at[0], before.body.at[0]);
  await first.daemon.stop();

  sqlite3('backup.db', RENAME);
  const second = await startDaemon(t, { store: `sqlite:${join(folder, 'backup.db')}`, drain });
  await second.call('POST', '/api/publish', { channel: 'news', data: 'again' });
  const { body } = await second.call('GET', '/api/history?channel=news');
  const data = body.entries.map(([, data]: unknown[]) => data);
  assert.deepEqual(data, ['before', 'again']);
  const reader = await HubPeer.join(t, second.url.replace(/^http/, 'ws'));
  reader.say('sub', 2, 'news', { at: after.body.at });
  const [, , { have, head }] = (await reader.until('gap')) as [string, number, { have: unknown; head: number }];
  assert.deepEqual([have, head], [after.body.at, 2]);
});
