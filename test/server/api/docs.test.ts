import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { answer, Client } from '../../../src/client/index.ts';
import { CODES } from '../../../src/protocol/index.ts';
import { Users } from '../../../src/server/auth/users.ts';
import { API_CODES, statusOf } from '../../../src/server/http/failure.ts';
import { Program } from '../../support/cli.ts';
import { API_KEY } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { missing } from '../../support/need.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

const DOCS = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const run = promisify(execFile);

const blocks = (language: string) =>
  [...DOCS.matchAll(RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code!);
const curls = blocks('sh').flatMap((block) => block.trim().split('\n'));

/** A daemon with all that the lines of docs/api.md need, and how such a line is to be run here. */
async function setUp(t: TestContext) {
  const folder = temporaryFolder(t);
  const socket = join(folder, 'api.sock');
  const file = join(folder, 'users.db');
  const users = new Users(file);
  await users.open();
  await users.add('natalia', 'correct horse');
  users.close();
  const daemon = await startDaemon(t, {
    socket,
    secret: 's'.repeat(43),
    auth: { login: { users: file } },
    channels: { '*': { presence: true } },
    sinks: { doors: { from: 'door:*', into: { database: `sqlite:${file}x`, table: 't', columns: { a: 1 } } } },
  });
  const here = (line: string) =>
    line.replaceAll('http://127.0.0.1:9000', daemon.url).replaceAll('/run/zocalo/api.sock', socket);
  return { ...daemon, here };
}

test('every route of the OpenAPI document has a curl line in docs/api.md that works as described', {
  skip: missing('curl'),
}, async (t) => {
  const { here, call, url } = await setUp(t);
  const client = new Client(url.replace('http', 'ws'), {
    login: () => ({ user: 'natalia', password: 'correct horse' }),
  });
  t.after(() => client.close());
  answer(client, 'confirm', () => true);
  const confirm = () => call('POST', '/api/users/natalia/call', { method: 'confirm' });
  await until(async () => (await confirm()).status === 200, 'a client answers');
  const { body: mistake } = await call('POST', '/api/publish', { channel: 'news', data: 'a mistake' });
  const env = { ...process.env, KEY: API_KEY, AT: JSON.stringify(mistake.at) };
  const { body: document } = await call('GET', '/api/openapi.json');
  const missed = new Set(
    Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations as object).map((method) => `${method} ${path}`),
    ),
  );
  for (const line of curls.filter((line) => !line.includes('-N'))) {
    const path = new URL(/http:[^'" ]+/.exec(line)![0]).pathname.replace('natalia', '{id}').replace('doors', '{sink}');
    const method = line.includes(' -d ') || line.includes(' -X POST') ? 'post' : 'get';
    const shell = here(line).replace('curl', 'curl -sS --fail-with-body');
    const { stdout } = await run('sh', ['-c', shell], { env });
    assert.doesNotMatch(stdout, /"code":"[A-Z]/, line);
    missed.delete(`${method} ${path}`);
  }
  assert.deepEqual([...missed], []);
});

test('the lines for Server-Sent Events in docs/api.md get what was published', { skip: missing('curl') }, async (t) => {
  const { here, call } = await setUp(t);
  const { body } = await call('POST', '/api/publish', { channel: 'news', data: 'first' });
  await call('POST', '/api/publish', { channel: 'news', data: 'second' });
  const [recent, last, several, ...others] = curls.filter((line) => line.includes('-N'));
  assert.deepEqual(others, []);
  const says = async (line: string, pattern: RegExp) => {
    const env = { ...process.env, LAST: body.at.join(':') };
    const program = new Program('sh', ['-c', `exec ${here(line).replace('curl', 'curl -sS')}`], { env });
    t.after(() => program.stop());
    await program.says(pattern);
    return program.stdout;
  };
  await says(recent!, /data: "first"\n\n[\s\S]*data: "second"\n\n/);
  assert.doesNotMatch(await says(last!, /data: "second"\n\n/), /first/);
  await says(several!, /event: presence\n[\s\S]*"channel":"sport"/);
});

test('the lines for cron and Python in docs/api.md publish', { skip: missing('curl', 'python3') }, async (t) => {
  const { here, call } = await setUp(t);
  const [cron] = blocks('crontab');
  assert.match(cron!, /^(\S+ ){5}curl /);
  await run('sh', ['-c', here(cron!).replace(/^(\S+ ){5}/, '')]);
  await run('python3', ['-c', `key = '${API_KEY}'\n${here(blocks('python')[0]!)}`]);
  const { body } = await call('GET', '/api/history?channel=news');
  assert.deepEqual(
    body.entries.map(([, data]: unknown[]) => data),
    ['Good morning', 'Hola'],
  );
});

test('docs/api.md gives each code its real status', () => {
  const rows = [...DOCS.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)];
  const pairs = rows.flatMap(([, status, cell]) =>
    [...cell!.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code!, Number(status)] as const),
  );
  for (const [code, status] of pairs) assert.equal(statusOf(code), status, code);
  const named = new Set(pairs.map(([, status]) => status));
  // Those of the statuses that only WebSockets' codes have are not met here.
  for (const code of Object.keys({ ...CODES, ...API_CODES }))
    assert.ok(named.has(statusOf(code)) || ['ALREADY_SUBSCRIBED', 'REPLACED', 'CLOSED'].includes(code), code);
});
