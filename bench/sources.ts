/**
 * Databases and devices: `npm run bench:sources`, or `npm run bench:sources -- --help`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dialectOf } from '../src/sources/databases/index.ts';
import { MARIADB, startMariadb } from '../test/support/mariadb.ts';
import { missing } from '../test/support/need.ts';
import { noPostgres, startPostgres } from '../test/support/postgres.ts';
import { goalsText, type Part, partText, resultsMarkdown } from './hub/report.ts';
import { cores, machine, openFiles, program, remarkNoise } from './machine.ts';
import { benchOptions } from './options.ts';
import { Remarks } from './remarks.ts';
import { launch } from './servers.ts';
import type { FramerResult, FramersOrder } from './sources/framers.ts';
import type { IdleOrder } from './sources/idle.ts';
import type { OutboxOrder, OutboxResult } from './sources/outbox.ts';
import { framersPart, type IdleRow, idlePart, type OutboxRow, outboxPart } from './sources/report.ts';
import type { RowsOrder } from './sources/rows.ts';

/** Devices, and WebSockets beside them. */
const IDLE = 5_000;
/** Rows a second at which the latency is measured. */
const RATE = 5_000;
const RARE_ROWS = 30;
const BACKLOG = 20_000;
const RESULTS = new URL('./SOURCES.md', import.meta.url);
const PARTS = { databases, framers, memory };

const { rounds, seconds, chosen, write, partial } = benchOptions({
  script: 'bench:sources',
  file: 'SOURCES.md',
  parts: Object.keys(PARTS),
  rounds: 3,
  seconds: 4,
});

const remarks = new Remarks();
const { add: remark, attempt } = remarks;
const [serverCore, loadCore] = cores(remark);
remarkNoise(remark);
const folder = mkdtempSync(join(tmpdir(), 'zocalo-bench-'));
const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
const t = { after: (end: () => unknown) => void ends.push(end) } as Parameters<typeof startMariadb>[0];
const versions = [
  `Zócalo ${JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version} on Node ${process.versions.node}, SQLite ${process.versions.sqlite}`,
];
const parts: Part[] = [];
let files = 0;
try {
  for (const name of chosen) {
    const part = await PARTS[name as keyof typeof PARTS]();
    if (!part) continue;
    parts.push(part);
    console.log(`\n${partText(part)}`);
  }
} finally {
  for (const end of ends) await end();
}
const load = os.loadavg()[2]!;
if (load > 2.5)
  remark(`the load average of the last 15 minutes was ${load.toFixed(2)} at the end, of which this run is 2`);
console.log(`\nGoals\n${goalsText(parts)}`);
const missed =
  partial ??
  (parts.length < Object.keys(PARTS).length || remarks.failures > 0 ? 'not everything could be measured' : undefined);
if (write ?? !missed) {
  const method =
    `${rounds} rounds, interleaved; the steady rows and the frames for ${seconds} s each` +
    (serverCore === undefined ? '' : '; framers and servers of idle connections pinned to a core, databases not');
  writeFileSync(
    RESULTS,
    resultsMarkdown(
      'databases and devices',
      'bench:sources',
      { ...machine(), versions, method, remarks: remarks.all },
      parts,
    ),
  );
  console.log('\nbench/SOURCES.md is written.');
} else if (missed) console.log(`\nbench/SOURCES.md is unchanged, since ${missed}; --write writes it anyway.`);

async function databases(): Promise<Part> {
  const kinds = [
    { database: 'Postgres', isWoken: true, skip: noPostgres, start: async () => (await startPostgres(t)).address },
    {
      database: 'MariaDB',
      isWoken: false,
      skip: missing(...MARIADB),
      start: async () => (await startMariadb(t)).address,
    },
    { database: 'SQLite', isWoken: false, skip: false as const, start: async () => emptyFile() },
  ];
  const rows: { row: OutboxRow; address: string; order: RowsOrder }[] = [];
  for (const { database, isWoken, skip, start } of kinds) {
    if (skip) {
      remark(`${database} is left out: ${skip}`);
      continue;
    }
    const address = await start();
    const dialect = dialectOf(address)!;
    const session = await dialect.connect(address, '', () => {});
    for (const text of dialect.create('zocalo_outbox')) await session.query(text);
    // As an application has it that others read from meanwhile.
    if (database === 'SQLite') await session.query('PRAGMA journal_mode = WAL');
    else {
      const [row] = await session.query('SELECT version() AS version');
      const version = String(row!.version)
        .replace(/^PostgreSQL /, '')
        .split(' ')[0];
      versions.push(`${database} ${version}`);
    }
    session.close();
    const add = (title: string, mode: OutboxRow['mode'], order: RowsOrder) =>
      rows.push({ row: { database, isWoken, title, mode, samples: [] }, address, order });
    const backlog = { rows: BACKLOG, size: 500 };
    add('a backlog, 100 channels', 'backlog', { ...backlog, channels: 100 });
    add('a backlog, one channel', 'backlog', { ...backlog, channels: 1 });
    const steady = `${RATE.toLocaleString('en')} a second, ten each`;
    add(steady, 'steady', { rows: RATE * seconds, size: 10, channels: 100, rate: RATE });
    add('two a second', 'rare', { rows: RARE_ROWS, size: 1, channels: 100, gap: 1_000 });
  }
  for (let round = 0; round < rounds; round++)
    for (const { row, address, order } of rows)
      await attempt(`${row.database}, ${row.title}`, async () => {
        const log = join(folder, `${files++}.db`);
        const whole: OutboxOrder = { ...order, address, log, isBacklog: row.mode === 'backlog' };
        row.samples.push(await program<OutboxResult>('sources/outbox.ts', whole, undefined));
      });
  return outboxPart(rows.map(({ row }) => row));
}

async function framers(): Promise<Part> {
  const results: FramerResult[][] = [];
  for (let round = 0; round < rounds; round++)
    await attempt('framers', async () => {
      const order: FramersOrder = { seconds: Math.max(1, seconds / 4) };
      results.push(await program<FramerResult[]>('sources/framers.ts', order, serverCore));
    });
  return framersPart(results);
}

async function memory(): Promise<Part | undefined> {
  const needed = IDLE + 200;
  if (openFiles() < needed) {
    remark(`memory is left out: it needs ulimit -n ${needed}, here it is ${openFiles()}`);
    return undefined;
  }
  const rows = [
    { kind: 'devices', server: 'devices.ts', row: { title: 'devices that send lines', samples: [] } },
    { kind: 'websockets', server: 'hub.ts', row: { title: 'WebSockets, with one channel each', samples: [] } },
  ] satisfies { kind: IdleOrder['kind']; server: string; row: IdleRow }[];
  for (let round = 0; round < rounds; round++)
    for (const { kind, server, row } of rows)
      await attempt(`the memory of ${kind}`, async () => {
        const command = [process.execPath, fileURLToPath(new URL(`./servers/${server}`, import.meta.url))];
        const { port, pid, stop } = await launch(command, {}, serverCore);
        try {
          const order: IdleOrder = { kind, port, pid, connections: IDLE };
          (row.samples as number[]).push(await program<number>('sources/idle.ts', order, loadCore));
        } finally {
          await stop();
        }
      });
  return idlePart(
    rows.map(({ row }) => row),
    IDLE,
  );
}

function emptyFile(): string {
  const file = join(folder, 'shop.db');
  writeFileSync(file, '');
  return `sqlite:${file}`;
}
