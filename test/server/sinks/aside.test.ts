import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { JsonText } from '../../../src/protocol/index.ts';
import { Program } from '../../support/cli.ts';
import { API_KEY } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

const NARROW = 'n'.repeat(40);
const READER = 'r'.repeat(40);

/** A daemon whose table takes numbers below 1000 only, and how it stands with the sink. */
async function setUp(t: TestContext, store = 'memory:') {
  const file = join(temporaryFolder(t), 'shop.db');
  const application = new DatabaseSync(file, { timeout: 5_000 });
  t.after(() => application.close());
  application.exec('CREATE TABLE accesses (badge INTEGER CHECK (badge < 1000))');
  const into = { database: `sqlite:${file}`, table: 'accesses', columns: { badge: '{badge}' } };
  const daemon = await startDaemon(t, {
    store,
    api: {
      keys: [
        { name: 'all', key: API_KEY, can: ['sinks'] },
        { name: 'narrow', key: NARROW, can: ['sinks'], channels: ['door:2'] },
        { name: 'reader', key: READER, can: ['read'] },
      ],
    },
    channels: { 'door:*': { into } },
  });
  const sink = '/api/sinks/channels.door%3A*';
  const { call, daemon: running } = daemon;
  const publish = (channel: string, badge: number) => running.hub.publish(channel, { badge });
  const badges = () =>
    application
      .prepare('SELECT badge FROM accesses ORDER BY rowid')
      .all()
      .map(({ badge }) => badge);
  const asideOf = async (key = API_KEY, query = '') =>
    (await call('GET', `${sink}/aside${query}`, undefined, key)).body;
  const counts = async () => (await call('GET', '/api/sinks')).body.sinks[0];
  const setAside = (count: number) =>
    until(async () => (await counts()).aside === count && (await counts()).waiting === 0, `${count} were set aside`);
  return { ...daemon, file, application, sink, publish, badges, asideOf, setAside };
}

test('what a sink set aside is listed with its reason, tried again after a correction, and dropped', async (t) => {
  const { call, sink, publish, badges, asideOf, setAside, application } = await setUp(t);
  for (const badge of [5000, 1, 6000, 7000]) await publish('door:1', badge);
  await setAside(3);
  const { rows, next } = await asideOf();
  assert.equal(next, undefined);
  assert.deepEqual(
    rows.map(({ channel, offset, data }: never) => [channel, offset, data]),
    [5000, 6000, 7000].map((badge, at) => ['door:1', [1, 3, 4][at], { badge }]),
  );
  for (const { reason } of rows) assert.match(reason, /CHECK constraint failed/);
  const [first, second] = rows;
  assert.deepEqual((await call('POST', `${sink}/drop`, { places: [first.place] })).body, { rows: 1 });
  assert.deepEqual((await call('POST', `${sink}/drop`, { places: [first.place] })).body, { rows: 0 });
  // Without a correction it is refused again.
  assert.deepEqual((await call('POST', `${sink}/retry`)).body, { rows: 2 });
  await setAside(2);
  application.exec('ALTER TABLE accesses RENAME TO old; CREATE TABLE accesses (badge INTEGER)');
  const again = (await asideOf()).rows;
  assert.ok(again[0].place > second.place);
  assert.deepEqual((await call('POST', `${sink}/retry`, { places: [again[1].place] })).body, { rows: 1 });
  await until(() => badges().length === 1, 'it was written');
  assert.deepEqual(badges(), [7000]);
  assert.deepEqual((await call('POST', `${sink}/drop`, { all: true })).body, { rows: 1 });
  assert.deepEqual(await asideOf(), { rows: [] });
  await publish('door:1', 2);
  await until(() => badges().length === 2, 'the next was written');
  assert.deepEqual(badges(), [7000, 2]);
});

test('a key sees, retries and drops what its channels have, and nothing else', async (t) => {
  const { call, sink, publish, asideOf, setAside } = await setUp(t);
  for (const [at, channel] of ['door:1', 'door:2', 'door:1', 'door:2'].entries()) await publish(channel, 5000 + at);
  await setAside(4);
  const all = (await asideOf()).rows;
  const mine = (await asideOf(NARROW)).rows;
  assert.deepEqual(
    mine.map(({ channel }: { channel: string }) => channel),
    ['door:2', 'door:2'],
  );
  const post = async (what: string, body: object, key = NARROW) =>
    (await call('POST', `${sink}/${what}`, body, key)).body;
  assert.deepEqual(await post('drop', { places: [all[0].place] }), { rows: 0 });
  assert.deepEqual(await post('drop', { places: [all[0].place, all[1].place] }), { rows: 1 });
  assert.deepEqual(await post('retry', {}), { rows: 1 });
  await setAside(3);
  assert.deepEqual(await post('drop', { all: true }), { rows: 1 });
  await setAside(2);
  for (const path of [sink.replace(/\/[^/]*$/, ''), `${sink}/aside`])
    assert.equal((await call('GET', path, undefined, READER)).status, 403);
  assert.equal((await post('drop', { all: true }, READER)).code, 'FORBIDDEN');
  const unknown = await call('GET', '/api/sinks/doors/aside');
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'NOT_OFFERED']);
  assert.match(unknown.body.message, /there are channels\.door:\*/);
  for (const body of [{}, { places: [] }, { all: false }, { places: [1], all: true }])
    assert.equal((await post('drop', body)).code, 'BAD_MESSAGE', JSON.stringify(body));
});

test('a long list is read page by page, and keeps the digits of its numbers', async (t) => {
  const { daemon, sink, url, asideOf, setAside } = await setUp(t);
  for (let n = 0; n < 25; n++)
    await daemon.hub.publish('door:1', JsonText.parse(`{"badge":9007199254740993${n % 10},"n":${n}}`));
  await setAside(25);
  const seen: number[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { rows, next } = await asideOf(API_KEY, `?limit=10${after && `&after=${after}`}`);
    assert.ok(rows.length <= 10);
    seen.push(...rows.map(({ data }: { data: { n: number } }) => data.n));
    after = next;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 25 }, (_, n) => n),
  );
  const text = await (await fetch(`${url}${sink}/aside`, { headers: { authorization: `Bearer ${API_KEY}` } })).text();
  assert.match(text, /"badge":90071992547409939,/);
});

test('zocalo sinks lists, retries and drops what was set aside, also after a restart of the daemon', async (t) => {
  const folder = temporaryFolder(t);
  const { daemon, url, publish, badges, setAside, application } = await setUp(t, `sqlite:${join(folder, 'log.db')}`);
  for (const badge of [1, 5000, 6000, 7000]) await publish('door:1', badge);
  await setAside(3);
  const zocalo = async (...words: string[]) => {
    const program = new Program(process.execPath, [
      'src/cli.ts',
      'sinks',
      ...words,
      '--url',
      url,
      '--api-key',
      API_KEY,
    ]);
    t.after(() => program.stop('SIGKILL'));
    const code = await program.exited;
    return { code, out: program.stdout, err: program.stderr };
  };
  assert.equal((await zocalo('list')).out, 'channels.door:* ok, 0 waiting, 3 set aside\n');
  const { out } = await zocalo('aside', 'channels.door:*');
  const lines = out.trimEnd().split('\n');
  assert.equal(lines.length, 6);
  assert.match(lines[0]!, /^\d{16} door:1 2 \d{4}-\d\d-\d\dT\S+Z .*CHECK constraint failed/);
  assert.equal(lines[1], '  {"badge":5000}');
  const place = /^\d+/.exec(lines[0]!)![0];
  assert.equal((await zocalo('drop', 'channels.door:*', place)).out, '1 row\n');
  application.exec('ALTER TABLE accesses RENAME TO old; CREATE TABLE accesses (badge INTEGER)');
  assert.equal((await zocalo('retry', 'channels.door:*', /\n(\d{16}) .*\n.*6000/.exec(out)![1]!)).out, '1 row\n');
  await until(() => badges().length === 1, 'it was written');
  assert.deepEqual(badges(), [6000]);
  const neither = await zocalo('drop', 'channels.door:*');
  assert.equal(neither.code, 2);
  assert.match(neither.err, /^BAD_OPTION: either places of rows are needed, or --all/);
  assert.match((await zocalo('aside', 'none')).err, /^NOT_OFFERED: there is no sink none/);
  await daemon.stop();
  const store = new DatabaseSync(join(folder, 'log.db'), { readOnly: true });
  t.after(() => store.close());
  assert.deepEqual(
    store
      .prepare('SELECT data FROM aside')
      .all()
      .map(({ data }) => data),
    ['{"badge":7000}'],
  );
});
