/**
 * The hub's figures: `npm run bench:hub`, or `npm run bench:hub -- --help`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CatchUpOrder } from './hub/catch-up.ts';
import type { DialectName } from './hub/dialect.ts';
import type { LatencyOrder, LatencyResult } from './hub/latency.ts';
import type { PublishOrder, PublishResult } from './hub/publish.ts';
import {
  type CatchUpRow,
  catchUpPart,
  goalsText,
  type LatencyRow,
  largest,
  latencyPart,
  type Part,
  type PublishRow,
  partText,
  publishPart,
  type RoomRow,
  resultsMarkdown,
  roomPart,
  type StampedeRow,
  stampedePart,
} from './hub/report.ts';
import type { RoomOrder } from './hub/room.ts';
import type { StampedeOrder, StampedeResult } from './hub/stampede.ts';
import type { LoadResult } from './load.ts';
import { cores, machine, openFiles, program, remarkNoise } from './machine.ts';
import { benchOptions } from './options.ts';
import { Remarks } from './remarks.ts';
import { launch, type RunningServer, socketIo } from './servers.ts';

const WARM_UP_SECONDS = 0.5;
const ROOM = 200;
const SUBSCRIBERS = 1_000;
const LOG = 200_000;
/** Publications that each returning reader has missed: some 300 KB. */
const MISSED = 3_000;
const BYTES = 64;
const STORES = ['memory', 'sqlite', 'bare'] as const;
const BROKERS = ['memory', 'sqlite'] as const;
/** Publications per second, each about 1.5 times the previous. */
const RATES = [50, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000];
/** A tenth of the goal for each broker. */
const ASKED = { memory: 10_000, sqlite: 3_000 };
const RESULTS = new URL('./HUB.md', import.meta.url);
const PARTS = { publish, room, latency, catchup: catchUp, stampede };

const { rounds, seconds, chosen, write, partial } = benchOptions({
  script: 'bench:hub',
  file: 'HUB.md',
  parts: Object.keys(PARTS),
  rounds: 3,
  seconds: 2,
});

const remarks = new Remarks();
const { add: remark, attempt } = remarks;
const [serverCore, loadCore] = cores(remark);
remarkNoise(remark);
const folder = mkdtempSync(join(tmpdir(), 'zocalo-bench-'));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const versions = [`Zócalo ${version} on Node ${process.versions.node}, SQLite ${process.versions.sqlite}`];
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
  rmSync(folder, { recursive: true });
}
console.log(`\nGoals\n${goalsText(parts)}`);
const missed =
  partial ??
  (parts.length < Object.keys(PARTS).length || remarks.failures > 0 ? 'not everything could be measured' : undefined);
if (write ?? !missed) {
  const method =
    `${rounds} rounds, interleaved, ${seconds} s each after ${WARM_UP_SECONDS} s of warm-up` +
    (serverCore === undefined ? '' : '; server and load pinned to a core each');
  writeFileSync(
    RESULTS,
    resultsMarkdown('the hub', 'bench:hub', { ...machine(), versions, method, remarks: remarks.all }, parts),
  );
  console.log('\nbench/HUB.md is written.');
} else if (missed) console.log(`\nbench/HUB.md is unchanged, since ${missed}; --write writes it anyway.`);

async function publish(): Promise<Part> {
  const rows: PublishRow[] = [1, 64].flatMap((publishers) =>
    [false, true].map((keyed) => ({ publishers, keyed, samples: { memory: [], sqlite: [], bare: [] } })),
  );
  for (let round = 0; round < rounds; round++)
    for (const { publishers, keyed, samples } of rows)
      for (const store of STORES) {
        const order: PublishOrder = { store, publishers, keyed, seconds, warmUp: WARM_UP_SECONDS };
        await attempt(`publishing to ${store}`, async () => {
          samples[store].push(await program<PublishResult>('hub/publish.ts', order, serverCore));
        });
      }
  return publishPart(rows);
}

async function room(): Promise<Part | undefined> {
  const commands: Partial<Record<DialectName, string[]>> = { zocalo: hubCommand() };
  await attempt('Socket.IO', async () => {
    const peer = socketIo();
    commands.socketio = peer.command;
    versions.push(peer.version);
  });
  const rows: RoomRow[] = [
    { inFlight: 1, goal: { most: 0.7 }, samples: { zocalo: [], socketio: [] } },
    { inFlight: 16, goal: { most: 0.08 }, samples: { zocalo: [], socketio: [] } },
  ];
  for (let round = 0; round < rounds; round++)
    for (const { inFlight, samples } of rows)
      for (const [server, command] of Object.entries(commands) as [DialectName, string[]][])
        await attempt(`the room on ${server}`, () =>
          served(command, {}, async ({ port, pid }) => {
            // The account has a resolution of 10 ms: half a percent of two seconds.
            const window = Math.max(seconds, 2);
            const sizes = { connections: ROOM, bytes: BYTES, inFlight };
            const order: RoomOrder = { server, port, pid, ...sizes, seconds: window, warmUp: WARM_UP_SECONDS };
            samples[server].push(await program<LoadResult>('hub/room.ts', order, loadCore));
          }),
        );
  return roomPart(rows, ROOM);
}

async function latency(): Promise<Part | undefined> {
  const needed = SUBSCRIBERS + 200;
  if (openFiles() < needed) {
    remark(`latency is left out: it needs ulimit -n ${needed}, here it is ${openFiles()}`);
    return undefined;
  }
  const rows: LatencyRow[] = [];
  for (const broker of BROKERS)
    await attempt(`latency with ${broker}`, async () => {
      const run = (rates: number[], climb: boolean) =>
        served(hubCommand(), { BROKER: place(broker) }, ({ port, pid }) => {
          const order: LatencyOrder = { port, pid, subscribers: SUBSCRIBERS, rates, climb, seconds, warmUp: 0.5 };
          return program<LatencyResult[]>('hub/latency.ts', order, loadCore);
        });
      const climbed = await run(RATES, true);
      const most = largest(climbed);
      const [tenth] = most ? await run([most.rate / 10], false) : [];
      rows.push({ broker, climbed, tenth, asked: ASKED[broker] });
    });
  return latencyPart(rows, SUBSCRIBERS);
}

async function catchUp(): Promise<Part> {
  const rows: CatchUpRow[] = BROKERS.map((broker) => ({ broker, samples: [] }));
  for (const { broker, samples } of rows)
    await attempt(`catching up with ${broker}`, () =>
      served(hubCommand(), { BROKER: place(broker), FILL: String(LOG) }, async ({ port }) => {
        const order: CatchUpOrder = { port, total: LOG, payload: BYTES };
        for (let round = 0; round < Math.max(rounds, 3); round++)
          samples.push(await program<number>('hub/catch-up.ts', order, loadCore));
      }),
    );
  return catchUpPart(rows, LOG);
}

async function stampede(): Promise<Part | undefined> {
  const most = Math.floor((openFiles() - 200) / 100) * 100;
  const readers = Math.min(10_000, most);
  if (readers < 10_000) remark(`stampede has ${readers} readers: ulimit -n is ${openFiles()}, and 10,200 are needed`);
  const rows: StampedeRow[] = [];
  for (const broker of BROKERS)
    for (const stuck of [0, readers / 2])
      await attempt(`the stampede with ${broker}`, () =>
        served(hubCommand(), { BROKER: place(broker), FILL: String(MISSED) }, async ({ port, pid }) => {
          const order: StampedeOrder = { port, pid, readers: readers - stuck, stuck, total: MISSED };
          const sample = await program<StampedeResult>('hub/stampede.ts', order, loadCore);
          rows.push({ broker, readers: order.readers, stuck, sample });
        }),
      );
  return stampedePart(rows, MISSED);
}

function hubCommand(): string[] {
  return [process.execPath, fileURLToPath(new URL('./servers/hub.ts', import.meta.url))];
}

function place(broker: (typeof BROKERS)[number]): string {
  return broker === 'memory' ? broker : join(folder, `${files++}.db`);
}

async function served<T>(
  command: string[],
  environment: Record<string, string>,
  use: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const server = await launch(command, environment, serverCore);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}
