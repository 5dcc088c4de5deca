/**
 * Publications acknowledged per second, in this process: `node bench/hub/publish.ts '<PublishOrder as JSON>'` prints a
 * PublishResult. Data are texts of 64 bytes, through `hub.publish`; `bare` is a loop around node:sqlite that commits
 * the same rows in the same batches and nothing else: what SQLite itself can do here.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Hub, memory, sqlite } from '../../src/index.ts';

export interface PublishOrder {
  store: 'memory' | 'sqlite' | 'bare';
  /** 1: one channel with all that is in flight; 64: a channel each, with one in flight. */
  publishers: number;
  keyed: boolean;
  seconds: number;
  warmUp: number;
}

export interface PublishResult {
  perSecond: number;
  /** 99th percentile of the event loop's delay, in milliseconds; meaningless for `bare`. */
  delay: number;
}

const IN_FLIGHT = 64;
const DATA = 'x'.repeat(64);
/** As long as the keys that the SDK makes. */
const keyOf = (number: number) => `${number}`.padStart(22, 'k');

async function published(order: PublishOrder, path: string): Promise<PublishResult> {
  const everything = { history: { size: order.store === 'memory' ? 1_000 : Infinity } };
  const hub = new Hub({ broker: order.store === 'memory' ? memory() : sqlite(path), channels: { '*': everything } });
  await hub.open();
  let acknowledged = 0;
  let number = 0;
  let stop = false;
  const lane = async (channel: string) => {
    while (!stop) {
      for (let turn = 0; turn < 16; turn++) {
        await hub.publish(channel, DATA, order.keyed ? { key: keyOf(number++) } : {});
        acknowledged++;
      }
      // A broker that answers synchronously would otherwise block the event loop.
      if (order.store === 'memory') await nextTurn();
    }
  };
  const lanes = Array.from({ length: IN_FLIGHT }, (_, at) => lane(`channel:${at % order.publishers}`));
  await pause(order.warmUp);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = acknowledged;
  const started = performance.now();
  await pause(order.seconds);
  const perSecond = ((acknowledged - before) * 1_000) / (performance.now() - started);
  delay.disable();
  stop = true;
  await Promise.all(lanes);
  await hub.close();
  return { perSecond, delay: delay.percentile(99) / 1e6 };
}

/** The broker's rows, and its channels' rows, which it writes once per channel and batch. */
function bare(order: PublishOrder, path: string): PublishResult {
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE channels (id INTEGER PRIMARY KEY, head INTEGER) STRICT;
    CREATE TABLE entries (channel INTEGER, offset INTEGER, time INTEGER, data TEXT, meta TEXT, PRIMARY KEY (channel, offset)) STRICT, WITHOUT ROWID;
    CREATE TABLE keys (id INTEGER PRIMARY KEY, channel INTEGER, key TEXT, digest TEXT, offset INTEGER, expires INTEGER) STRICT;
  `);
  const append = database.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?)');
  const addKey = database.prepare('INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)');
  const setHead = database.prepare('INSERT OR REPLACE INTO channels VALUES (?, ?)');
  const data = JSON.stringify(DATA);
  const digest = 'd'.repeat(44);
  const now = 1_700_000_000_000;
  let written = 0;
  const run = (seconds: number) => {
    for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
      database.exec('BEGIN IMMEDIATE');
      for (let at = 0; at < IN_FLIGHT; at++, written++) {
        const key = keyOf(written);
        append.run(at % order.publishers, written, now, data, order.keyed ? JSON.stringify({ key }) : null);
        if (order.keyed) addKey.run(written, at % order.publishers, key, digest, written, now);
      }
      for (let at = 0; at < order.publishers; at++) setHead.run(at, written);
      database.exec('COMMIT');
    }
  };
  run(order.warmUp);
  const before = written;
  const started = performance.now();
  run(order.seconds);
  const perSecond = ((written - before) * 1_000) / (performance.now() - started);
  database.close();
  return { perSecond, delay: 0 };
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

const order: PublishOrder = JSON.parse(process.argv[2]!);
const folder = mkdtempSync(join(tmpdir(), 'zocalo-bench-'));
try {
  const path = join(folder, 'log.db');
  const result = order.store === 'bare' ? bare(order, path) : await published(order, path);
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
