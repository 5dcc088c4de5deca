/**
 * Publications acknowledged a second by each broker: `node bench/broker.ts [seconds]`.
 *
 * One publisher with 64 in flight, and 64 publishers in 64 channels with one in flight each; 64 bytes of data, no key
 * and with a key. For sqlite also a bare node:sqlite loop that commits the same rows in batches of the same size on
 * its own thread's time, and how long the event loop was held meanwhile; and how fast one reader catches up.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { type Broker, memory, sqlite } from '../src/broker/index.ts';

const SECONDS = Number(process.argv[2] ?? 3);
const DATA = JSON.stringify('x'.repeat(62));
const KEEP = { size: Infinity, ttl: Infinity };
const folder = mkdtempSync(join(tmpdir(), 'zocalo-bench-'));
const count = (n: number) => Math.round(n).toLocaleString('en').padStart(9);

interface Case {
  title: string;
  channel: (publisher: number) => string;
  keyed: boolean;
}

const CASES: Case[] = [
  { title: '1 publisher, 64 in flight', channel: () => 'a', keyed: false },
  { title: '64 publishers', channel: (publisher) => `channel:${publisher}`, keyed: false },
  { title: '64 publishers, keys', channel: (publisher) => `channel:${publisher}`, keyed: true },
];

async function publish(broker: Broker, { channel, keyed }: Case): Promise<{ perSecond: number; delay: number }> {
  let acknowledged = 0;
  let stop = false;
  let number = 0;
  const lane = async (publisher: number) => {
    const name = channel(publisher);
    while (!stop) {
      await broker.publish(name, { data: DATA, keep: KEEP, ...(keyed && { key: `key-${number++}-0123456789` }) });
      // A broker that answers at once would otherwise never let the event loop turn.
      if (++acknowledged % 4_096 === 0) await new Promise(setImmediate);
    }
  };
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const started = performance.now();
  setTimeout(() => {
    stop = true;
  }, SECONDS * 1000);
  await Promise.all(Array.from({ length: 64 }, (_, publisher) => lane(publisher)));
  const seconds = (performance.now() - started) / 1000;
  histogram.disable();
  return { perSecond: acknowledged / seconds, delay: histogram.percentile(99) / 1e6 };
}

/** The rows of a batch and nothing else: what SQLite itself can do here. */
function bare(file: string, { channel, keyed }: Case): number {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE entries (channel INTEGER, offset INTEGER, time INTEGER, data TEXT, meta TEXT, PRIMARY KEY (channel, offset)) STRICT, WITHOUT ROWID;
    CREATE TABLE keys (id INTEGER PRIMARY KEY, channel INTEGER, key TEXT, digest BLOB, offset INTEGER, expires INTEGER, UNIQUE (channel, key)) STRICT;
  `);
  const append = database.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?)');
  const addKey = database.prepare('INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)');
  const single = channel(0) === channel(1);
  const digest = new Uint8Array(32);
  let written = 0;
  const started = performance.now();
  while (performance.now() - started < SECONDS * 1000) {
    database.exec('BEGIN IMMEDIATE');
    for (let n = 0; n < 64; n++, written++) {
      append.run(single ? 0 : n, written, 1_700_000_000_000, DATA, null);
      if (keyed) addKey.run(written, n, `key-${written}-0123456789`, digest, written, 1_700_000_000_000);
    }
    database.exec('COMMIT');
  }
  const perSecond = written / ((performance.now() - started) / 1000);
  database.close();
  return perSecond;
}

async function catchUp(broker: Broker): Promise<number> {
  const total = 100_000;
  for (let n = 0; n < total; n += 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, () => broker.publish('c', { data: DATA, keep: KEEP })));
  }
  const { epoch } = await broker.state('c');
  const started = performance.now();
  for (let offset = 0; offset < total; ) {
    const page = await broker.read('c', [epoch, offset], { limit: 1_000 });
    if (page.gap) throw new Error(page.gap);
    offset += page.entries.length;
  }
  return total / ((performance.now() - started) / 1000);
}

try {
  let files = 0;
  for (const one of CASES) {
    const inMemory = memory({ bytes: 64 << 20 });
    await inMemory.open();
    const quick = await publish(inMemory, one);
    await inMemory.close();
    const onDisk = sqlite(join(folder, `${files++}.db`));
    await onDisk.open();
    const durable = await publish(onDisk, one);
    await onDisk.close();
    const limit = bare(join(folder, `${files++}.db`), one);
    console.log(
      `${one.title.padEnd(26)} memory ${count(quick.perSecond)}/s   sqlite ${count(durable.perSecond)}/s` +
        ` (event loop p99 ${durable.delay.toFixed(1)} ms)   bare sqlite ${count(limit)}/s` +
        `   ratio ${(durable.perSecond / limit).toFixed(2)}`,
    );
  }
  for (const [name, broker] of [
    ['memory', memory()],
    ['sqlite', sqlite(join(folder, 'c.db'))],
  ] as const) {
    await broker.open();
    console.log(`${`catching up, ${name}`.padEnd(26)} ${count(await catchUp(broker))}/s`);
    await broker.close();
  }
} finally {
  rmSync(folder, { recursive: true });
}
