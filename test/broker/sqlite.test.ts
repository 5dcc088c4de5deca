import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { type Broker, type Receipt, sqlite } from '../../src/broker/index.ts';
import { openDatabase } from '../../src/broker/sqlite-schema.ts';
import { opened, temporary } from '../contract/brokers.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { turn } from '../support/turn.ts';

const ALL = { size: Infinity, ttl: Infinity };

async function everything(broker: Broker, channel: string): Promise<Map<number, string>> {
  const { epoch, oldest } = await broker.state(channel);
  const found = new Map<number, string>();
  for (let offset = oldest - 1; ; ) {
    const page = await broker.read(channel, [epoch, offset], { limit: 1_000 });
    if (page.gap) throw new Error(page.gap);
    if (page.entries.length === 0) return found;
    for (const entry of page.entries) {
      assert.equal(entry.offset, ++offset, 'contiguous');
      found.set(entry.offset, entry.data);
    }
  }
}

/** Runs SQL on the file as another program would. */
function beside(path: string): DatabaseSync {
  return new DatabaseSync(path, { timeout: 0 });
}

test('a call to a broker that is not open says whether it is not open yet or closed', async (t) => {
  const broker = sqlite(join(temporary(t), 'log.db'));
  await assert.rejects(broker.state('a'), { code: 'LOG_CLOSED', message: /is not open yet/ });
  await broker.open();
  await broker.close();
  await assert.rejects(broker.state('a'), { code: 'LOG_CLOSED', message: /is closed/ });
});

test('acknowledged publications survive kill -9 at any moment, and the same log continues', async (t) => {
  const path = join(temporary(t), 'log.db');
  const acknowledged = new Map<string, string>();
  const epochs = new Map<string, string>();
  for (let kill = 1; kill <= 5; kill++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'publisher.ts'), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let lines = 0;
    for await (const line of createInterface(child.stdout)) {
      // The kill may cut the last line short: then nobody has read that acknowledgement.
      if (!line.endsWith(']')) continue;
      const [channel, epoch, offset, data] = JSON.parse(line);
      assert.equal(epochs.get(channel) ?? epoch, epoch);
      epochs.set(channel, epoch);
      assert.ok(!acknowledged.has(`${channel} ${offset}`), 'no offset is given twice');
      acknowledged.set(`${channel} ${offset}`, data);
      if (++lines === 100 * kill) child.kill('SIGKILL');
    }
  }
  const broker = await opened(t, sqlite(path));
  const stored = new Map<string, string>();
  for (const [channel, epoch] of epochs) {
    assert.equal((await broker.state(channel)).epoch, epoch);
    for (const [offset, data] of await everything(broker, channel)) stored.set(`${channel} ${offset}`, data);
  }
  for (const [place, data] of acknowledged) assert.equal(stored.get(place), data, place);
  assert.equal(new Set(stored.values()).size, stored.size, 'nothing is stored twice');
});

test('a log, its keys and its ends are the same after a restart', async (t) => {
  const path = join(temporary(t), 'log.db');
  const first = sqlite(path);
  await first.open();
  for (let n = 0; n < 10; n++)
    await first.publish('a', { data: `${n}`, key: `k${n}`, keep: { size: 4, ttl: Infinity } });
  const state = await first.state('a');
  await first.close();
  const second = await opened(t, sqlite(path));
  assert.deepEqual(await second.state('a'), state);
  assert.deepEqual(await second.publish('a', { data: '2', key: 'k2' }), {
    position: [state.epoch, 3],
    duplicate: true,
  });
  await assert.rejects(second.publish('a', { data: 'other', key: 'k2' }), { code: 'KEY_REUSED' });
  assert.equal((await second.publish('a', { data: '10' })).position[1], 11);
});

/** Commits that the write-ahead log holds since it began anew (https://www.sqlite.org/fileformat2.html#walformat). */
function commits(path: string): number {
  const wal = readFileSync(`${path}-wal`);
  const frame = 24 + wal.readUInt32BE(8);
  let count = 0;
  for (let at = 32; at + frame <= wal.length; at += frame) {
    if (wal.compare(wal, 16, 24, at + 8, at + 16) !== 0) break; // left over from before it began anew
    if (wal.readUInt32BE(at + 4) > 0) count++;
  }
  return count;
}

test('publications of one turn share a transaction, and later ones share the next', async (t) => {
  const path = join(temporary(t), 'log.db');
  const broker = await opened(t, sqlite(path));
  await broker.state('a');
  const before = commits(path);
  const publish = (n: number) => broker.publish(`channel:${n % 7}`, { data: `${n}` });
  const first = Promise.all(Array.from({ length: 200 }, (_, n) => publish(n)));
  await turn(); // the turn is over, the batch on its way
  await Promise.all([first, ...Array.from({ length: 100 }, (_, n) => publish(n))]);
  assert.equal(commits(path), before + 2);
});

test('a second process, or a second broker, is refused until the first has ended', async (t) => {
  const path = join(temporary(t), 'log.db');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'publisher.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await assert.rejects(sqlite(path).open(), { code: 'LOG_IN_USE', message: /another process has .*log\.db open/ });
  child.stdout.resume();
  child.kill('SIGKILL');
  await once(child, 'close');
  const broker = await opened(t, sqlite(path));
  await assert.rejects(sqlite(path).open(), { code: 'LOG_IN_USE' });
  assert.ok((await broker.state('channel:0')).head > 0);
});

test('of brokers that open the same new file at once, one gets it and the others are told', async (t) => {
  const path = join(temporary(t), 'log.db');
  const brokers = Array.from({ length: 4 }, () => sqlite(path));
  const results = await Promise.allSettled(brokers.map((broker) => broker.open()));
  t.after(() => Promise.all(brokers.map((broker) => broker.close())));
  assert.deepEqual(results.map((result) => (result.status === 'rejected' ? result.reason.code : 'open')).sort(), [
    'LOG_IN_USE',
    'LOG_IN_USE',
    'LOG_IN_USE',
    'open',
  ]);
});

test('a lock held by another program fails publishes visibly; reading works, and publishing works again afterwards', async (t) => {
  const path = join(temporary(t), 'log.db');
  const broker = await opened(t, sqlite(path, { lockTimeout: 10 }));
  const { position } = await broker.publish('a', { data: '1' });
  const other = beside(path);
  other.exec('BEGIN IMMEDIATE');
  const heard: number[] = [];
  await broker.watch('a', (_channel, _epoch, entries) => heard.push(...entries.map((entry) => entry.offset)));
  const [lost, page] = await Promise.allSettled([
    broker.publish('a', { data: '2', key: 'k' }),
    broker.read('a', [position[0], 0]),
  ]);
  assert.equal(lost.status === 'rejected' && lost.reason.code, 'LOG_LOCKED');
  assert.match(
    String(lost.status === 'rejected' && lost.reason.message),
    /log\.db: database is locked; nothing was stored/,
  );
  assert.equal(page.status === 'fulfilled' && page.value.head, 1);
  assert.deepEqual(heard, []);
  other.exec('ROLLBACK');
  other.close();
  assert.deepEqual(await broker.publish('a', { data: '2', key: 'k' }), {
    position: [position[0], 2],
    duplicate: false,
  });
  assert.deepEqual(heard, [2]);
});

test('a full disk fails all publishes of that transaction; once there is room the log continues without a gap', async (t) => {
  const path = join(temporary(t), 'log.db');
  const clock = new FakeClock();
  const broker = await opened(t, sqlite(path, { bytes: 256 * 1024, clock }));
  const data = JSON.stringify('x'.repeat(10_000));
  let stored = 0;
  const fill = async () => {
    for (;;) stored = (await broker.publish('a', { data, keep: ALL })).position[1];
  };
  await assert.rejects(fill, { code: 'LOG_FULL' });
  assert.ok(stored > 10);
  const both = await Promise.allSettled([broker.publish('b', { data: '1' }), broker.publish('a', { data })]);
  assert.deepEqual(
    both.map((result) => result.status === 'rejected' && result.reason.code),
    ['LOG_FULL', 'LOG_FULL'],
  );
  assert.equal((await everything(broker, 'a')).size, stored, 'reading goes on');
  const { epoch } = await broker.trim('a', { size: 5, ttl: Infinity });
  clock.advance(10_000);
  let receipt: Receipt | undefined;
  for (let n = 0; n < 1_000 && !receipt; n++) receipt = await broker.publish('a', { data }).catch(() => undefined);
  assert.deepEqual(receipt, { position: [epoch, stored + 1], duplicate: false });
});

test('a full disk recovers: expired entries make room at the next sweep', async (t) => {
  const clock = new FakeClock();
  const broker = await opened(t, sqlite(join(temporary(t), 'log.db'), { bytes: 256 * 1024, clock }));
  const publish = () =>
    broker.publish('a', { data: JSON.stringify('x'.repeat(10_000)), keep: { size: 3, ttl: Infinity } });
  const fill = async () => {
    for (;;) await publish();
  };
  await assert.rejects(fill, { code: 'LOG_FULL' });
  const { head } = await broker.state('a');
  clock.advance(10_000);
  let receipt: Receipt | undefined;
  for (let n = 0; n < 1_000 && !receipt; n++) receipt = await publish().catch(() => undefined);
  assert.equal(receipt?.position[1], head + 1);
});

test('a file that is not a database, belongs to another program, or cannot exist is refused and left unchanged', async (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, 'text'), 'this is no database, though it is long enough to be looked at'.repeat(20));
  await assert.rejects(sqlite(join(folder, 'text')).open(), { code: 'LOG_FAILED', message: /not a database/ });
  const other = beside(join(folder, 'other.db'));
  other.exec('CREATE TABLE invoices (id INTEGER)');
  other.close();
  await assert.rejects(sqlite(join(folder, 'other.db')).open(), { code: 'LOG_FAILED', message: /another program/ });
  await assert.rejects(sqlite(join(folder, 'missing', 'log.db')).open(), { code: 'LOG_READ_ONLY' });
});

test('a folder without write permission is refused', {
  skip: process.getuid?.() === 0 && 'root may write anywhere',
}, async (t) => {
  const folder = join(temporary(t), 'locked');
  mkdirSync(folder);
  chmodSync(folder, 0o500);
  await assert.rejects(sqlite(join(folder, 'log.db')).open(), { code: 'LOG_READ_ONLY' });
});

test('all its files are for their owner alone, with any umask', async (t) => {
  const folder = temporary(t);
  const program = `
    process.umask(0o022);
    import { sqlite } from ${JSON.stringify(join(import.meta.dirname, '../../src/broker/index.ts'))};
    const broker = sqlite(${JSON.stringify(join(folder, 'log.db'))});
    await broker.open();
    await broker.publish('a', { data: '1' });
    console.log('published');
    setInterval(() => {}, 1_000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const modes = readdirSync(folder).map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]);
  child.kill('SIGKILL');
  await once(child, 'close');
  for (const [name, mode] of modes) assert.equal(mode, '600', name);
  for (const name of ['log.db', 'log.db-lock', 'log.db-shm', 'log.db-wal'])
    assert.ok(
      modes.some(([found]) => found === name),
      name,
    );
});

for (const [what, change] of [
  ['deleted', (path: string) => rmSync(path)],
  ['moved away', (path: string) => renameSync(path, `${path}.old`)],
  [
    'replaced',
    (path: string) => {
      copyFileSync(path, `${path}.new`);
      renameSync(`${path}.new`, path);
    },
  ],
  ['left without its write-ahead log', (path: string) => rmSync(`${path}-wal`)],
] as const)
  test(`a file that was ${what} while in use acknowledges nothing any more`, async (t) => {
    const path = join(temporary(t), 'log.db');
    const broker = await opened(t, sqlite(path));
    const { position } = await broker.publish('a', { data: '1' });
    const heard: number[] = [];
    await broker.watch('a', (_channel, _epoch, entries) => heard.push(...entries.map(({ offset }) => offset)));
    change(path);
    for (const data of ['2', '3'])
      await assert.rejects(broker.publish('a', { data, key: data }), {
        code: 'LOG_FAILED',
        message: /log\.db.* was deleted or replaced while it was in use/,
      });
    assert.deepEqual(heard, []);
    assert.deepEqual(await broker.state('a'), { epoch: position[0], oldest: 1, head: 1 });
  });

test('a commit reaches the disk before it is acknowledged', (t) => {
  const path = join(temporary(t), 'log.db');
  const { database, lock } = openDatabase({
    path,
    now: 0,
    bytes: Number.POSITIVE_INFINITY,
    lockTimeout: 0,
    keys: { ttl: 1, count: 1 },
    forgetAfter: 1,
  });
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
  assert.deepEqual(
    ['journal_mode', 'synchronous', 'fullfsync'].map(pragma),
    ['wal', 2, 1],
    'https://www.sqlite.org/pragma.html#pragma_synchronous: 2 is FULL',
  );
  database.close();
  lock.close();
});

test('a file of another version of the tables is refused, whichever it is', async (t) => {
  const path = join(temporary(t), 'log.db');
  await (await opened(t, sqlite(path))).close();
  for (const [version, reason] of [
    [1, /an older, unreleased version/],
    [99, /a newer version/],
  ] as const) {
    const file = beside(path);
    file.exec(`PRAGMA user_version = ${version}`);
    file.close();
    await assert.rejects(sqlite(path).open(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'LOG_FAILED');
      assert.match(error.message, reason);
      return true;
    });
  }
});

test('the sweeper deletes expired entries, and forgets a log that was empty and unused for long', async (t) => {
  const path = join(temporary(t), 'log.db');
  const clock = new FakeClock();
  let now = 0;
  const broker = await opened(t, sqlite(path, { clock, now: () => now, forgetAfter: 1_000, keys: { ttl: 500 } }));
  const rows = beside(path);
  t.after(() => rows.close());
  const count = (table: string) => (rows.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
  /** Sweeps, and asks for answers, between which the thread takes its steps, until a table has so many rows. */
  const sweep = async (table: string, expected: number) => {
    clock.advance(10_000);
    for (let n = 0; n < 1_000 && count(table) !== expected; n++) await broker.state('b');
    assert.equal(count(table), expected, table);
  };
  const keep = { size: Infinity, ttl: 100 };
  await Promise.all(Array.from({ length: 3_000 }, (_, n) => broker.publish('a', { data: `${n}`, key: `k${n}`, keep })));
  const before = await broker.publish('b', { data: '1', keep: ALL });
  await sweep('entries', 3_001);
  now = 100;
  await sweep('entries', 1);
  assert.equal(count('keys'), 3_000);
  const { epoch } = await broker.state('a');
  now = 1_000;
  await sweep('keys', 0);
  await sweep('channels', 1);
  assert.notEqual((await broker.state('a')).epoch, epoch);
  assert.equal((await broker.state('b')).epoch, before.position[0], 'a log that holds entries is not forgotten');
});

test('by default an empty log is forgotten a week after its last publication', async (t) => {
  const path = join(temporary(t), 'log.db');
  const [HOUR, WEEK] = [3_600_000, 7 * 86_400_000];
  const first = await opened(t, sqlite(path, { now: () => 0 }));
  await first.publish('a', { data: '1', keep: { size: 1, ttl: 100 } });
  await first.close();
  const clock = new FakeClock();
  const broker = await opened(t, sqlite(path, { clock, now: () => WEEK - HOUR + clock.now() }));
  const rows = beside(path);
  t.after(() => rows.close());
  const logs = async (expected: number) => {
    const count = () => (rows.prepare('SELECT count(*) AS n FROM channels').get() as { n: number }).n;
    for (let n = 0; n < 200 && count() !== expected; n++) await broker.state('b');
    return count();
  };
  clock.advance(HOUR - 10_000);
  assert.equal(await logs(0), 1);
  clock.advance(10_000);
  assert.equal(await logs(0), 0);
});

test('reading the state of a channel writes nothing, and its position stays valid after a restart', async (t) => {
  const path = join(temporary(t), 'log.db');
  const first = await opened(t, sqlite(path));
  await first.publish('a', { data: '1' });
  const before = commits(path);
  const { epoch } = await first.state('news');
  await Promise.all(Array.from({ length: 100 }, (_, n) => first.read(`news:${n}`, ['x', 0])));
  await first.trim('news', ALL);
  assert.equal(commits(path), before, 'no transaction');
  const rows = beside(path);
  assert.deepEqual(
    rows
      .prepare('SELECT name FROM channels')
      .all()
      .map((row) => row.name),
    ['a'],
  );
  rows.close();
  await first.close();
  const second = await opened(t, sqlite(path));
  assert.equal((await second.state('news')).epoch, epoch);
  assert.deepEqual((await second.publish('news', { data: '1' })).position, [epoch, 1]);
});

test('a log that the sweeper forgot starts again under another epoch, also after a restart', async (t) => {
  const path = join(temporary(t), 'log.db');
  const clock = new FakeClock();
  let now = 0;
  const options = { clock, now: () => now, forgetAfter: 1_000 };
  const epochs = new Set<string>();
  for (let n = 0; n < 3; n++) {
    const broker = await opened(t, sqlite(path, options));
    epochs.add((await broker.publish('a', { data: '1', keep: { size: 1, ttl: 100 } })).position[0]);
    now += 1_000;
    clock.advance(10_000);
    await broker.close();
  }
  assert.equal(epochs.size, 3);
});

const QUEUES = 'DROP TABLE queues; DROP TABLE queued; DROP TABLE aside';
const EARLIER = {
  2: `DROP TABLE store; DROP TABLE ended; ${QUEUES}; PRAGMA user_version = 2`,
  3: `${QUEUES}; PRAGMA user_version = 3`,
};
for (const [version, undo] of Object.entries(EARLIER))
  test(`a file of version ${version} is upgraded with all its contents`, async (t) => {
    const path = join(temporary(t), 'log.db');
    const first = await opened(t, sqlite(path));
    const { position } = await first.publish('a', { data: '1', key: 'k' });
    const { epoch } = await first.state('b');
    await first.close();
    const file = beside(path);
    file.exec(undo);
    file.close();
    const second = await opened(t, sqlite(path));
    assert.deepEqual(await second.publish('a', { data: '1', key: 'k' }), { position, duplicate: true });
    assert.notEqual((await second.state('b')).epoch, (await second.state('c')).epoch);
    if (version === '3') assert.equal((await second.state('b')).epoch, epoch, 'the names of logs are kept');
    await second.useQueues([{ name: 'q', from: ['*'], rows: 9, bytes: 99 }]);
    await second.publish('b', { data: '2' });
    assert.equal((await second.queueState('q')).waiting, 1);
  });

test('a start with a clock that is days ahead deletes nothing until the clock has run on for ten minutes', async (t) => {
  const path = join(temporary(t), 'log.db');
  const day = 24 * 3_600_000;
  let now = 1_700_000_000_000;
  const first = await opened(t, sqlite(path, { now: () => now }));
  const { position } = await first.publish('a', { data: '1', keep: { size: Infinity, ttl: 3 * day } });
  await first.close();
  now += 4 * day;
  for (const wait of [12_000, 600_000]) {
    const clock = new FakeClock();
    const broker = await opened(t, sqlite(path, { now: () => now, clock }));
    for (let passed = 0; passed < wait; passed += 10_000) {
      assert.equal((await broker.state('a')).oldest, 1);
      now += 10_000;
      clock.advance(10_000);
    }
    assert.equal((await broker.state('a')).oldest, wait === 12_000 ? 1 : 2);
    await broker.read('a', position);
    await broker.close();
  }
});

test('the sweeper expires publications from while the clock was ahead in time', async (t) => {
  const path = join(temporary(t), 'log.db');
  const clock = new FakeClock();
  let now = 1_700_000_000_000;
  const broker = await opened(t, sqlite(path, { clock, now: () => now, forgetAfter: 1_000 }));
  const pass = async (ms: number) => {
    now += ms;
    clock.advance(10_000);
    await broker.state('b');
  };
  now += 3e10;
  await broker.publish('a', { data: '1', keep: { size: Infinity, ttl: 20_000 } });
  now -= 3e10;
  await pass(10_000);
  const rows = beside(path);
  t.after(() => rows.close());
  const count = () => (rows.prepare('SELECT count(*) AS n FROM channels').get() as { n: number }).n;
  assert.equal(count(), 1);
  for (let n = 0; n < 100 && count() > 0; n++) await pass(10_000);
  assert.equal(count(), 0);
});

test('a large log is deleted in steps, while others are published to', async (t) => {
  const path = join(temporary(t), 'log.db');
  const clock = new FakeClock();
  const broker = await opened(t, sqlite(path, { clock }));
  await Promise.all(Array.from({ length: 5_000 }, (_, n) => broker.publish('a', { data: `${n}`, keep: ALL })));
  await broker.trim('a', { size: 10, ttl: Infinity });
  await broker.forget('a');
  assert.equal((await broker.publish('a', { data: '1' })).position[1], 1);
  await broker.publish('b', { data: '1' });
  clock.advance(10_000);
  const rows = beside(path);
  t.after(() => rows.close());
  const left = () => rows.prepare('SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM channels)').get()!;
  const enough = { size: 1, ttl: Infinity };
  for (let n = 0; n < 500 && Object.values(left())[1] !== 2; n++)
    await broker.publish('a', { data: '1', keep: enough });
  const [entries, channels] = Object.values(left());
  assert.equal(channels, 2, 'the log that was forgotten is gone, with its row');
  assert.ok(Number(entries) < 5_000 - 3 * 1_000);
});

test('publications over the limit of the queue are refused at once', async (t) => {
  const broker = await opened(t, sqlite(join(temporary(t), 'log.db'), { queueBytes: 10_000 }));
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => broker.publish('a', { data: '1' })));
  const stored = results.filter((result) => result.status === 'fulfilled').length;
  assert.ok(stored > 0 && stored < 100);
  assert.ok(results.every((result) => result.status === 'fulfilled' || result.reason.code === 'LOG_BUSY'));
  assert.equal((await broker.publish('a', { data: '1' })).position[1], stored + 1);
});

test('an idle broker does not keep the process alive, one that commits does, and nothing is printed', async (t) => {
  const program = `
    import { sqlite } from ${JSON.stringify(join(import.meta.dirname, '../../src/broker/index.ts'))};
    const broker = sqlite(${JSON.stringify(join(temporary(t), 'log.db'))});
    await broker.open();
    broker.publish('a', { data: '1' }).then(({ position }) => console.log(position[1]));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (data) => output.push(data));
  child.stderr.on('data', (data) => output.push(data));
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  assert.equal(Buffer.concat(output).toString(), '1\n');
});
