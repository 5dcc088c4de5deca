/**
 * Programs and handlers: `npm run bench:handlers`, or `npm run bench:handlers -- --help`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallOrder, CallResult } from './handlers/calls.ts';
import type { CarrierOrder } from './handlers/carrier.ts';
import type { DaemonOrder } from './handlers/daemon-calls.ts';
import { answering, CARRIERS } from './handlers/php-servers.ts';
import {
  type CallRow,
  type ChatRow,
  callPart,
  chatPart,
  crowdPart,
  type Outcome,
  type StuckRow,
  stuckPart,
} from './handlers/report.ts';
import { LOOP, OTHERS, type Room, rooms, withUndelayed } from './handlers/rooms.ts';
import { goalsText, type Part, partText, resultsMarkdown } from './hub/report.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { cores, machine, openFiles, program, remarkNoise } from './machine.ts';
import { benchOptions } from './options.ts';
import { Remarks } from './remarks.ts';
import { launch, output } from './servers.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

const WARM_UP_SECONDS = 1;
/** Until what one client does not read has filled the buffers of the system. */
const FILLING_SECONDS = 4;
/** The loop's queue of new connections is short. */
const OPENING = 8;
const TALKING = 200;
const CONNECTED = 5_000;
/** Clients of the room in which one never reads, and the bytes of its messages. */
const SMALL_ROOM = { connections: 20, bytes: 16 * 1024 };
const CALLERS = 64;
const WORKERS = [1, 4];
const CHATS = [
  { name: 'echo1', goal: { most: 1 } },
  { name: 'echo16', goal: { most: 0.33 } },
  { name: 'fan1', goal: { most: 1 } },
  { name: 'fan16', goal: { most: 0.33 } },
];
const RESULTS = new URL('./HANDLERS.md', import.meta.url);
const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const PARTS = { chat, crowd, stuck, calls };

const { rounds, seconds, chosen, write, partial, others } = benchOptions({
  script: 'bench:handlers',
  file: 'HANDLERS.md',
  parts: Object.keys(PARTS),
  rounds: 3,
  seconds: 2,
  others: {
    loop: ['PATH', 'websockets.php of the library PHP-Websockets'],
    workerman: ['PATH', 'autoload.php of Workerman'],
  },
});

const remarks = new Remarks();
const { add: remark } = remarks;
const [serverCore, loadCore] = cores(remark);
remarkNoise(remark);
const contestants = rooms(others, remark);
const folder = mkdtempSync(join(tmpdir(), 'zocalo-bench-'));
let aloneInRoom: Outcome<LoadResult> | undefined;
const parts: Part[] = [];
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
const isWhole =
  !partial && parts.length === Object.keys(PARTS).length && contestants.length > Object.keys(OTHERS).length;
if (write ?? isWhole) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const php = output('php', '-r', 'echo PHP_VERSION;');
  const versions = [
    `Zócalo ${version} on Node ${process.versions.node}, PHP ${php}`,
    ...contestants.flatMap(({ about }) => about ?? []),
  ];
  const method =
    `${rounds} rounds, interleaved, ${seconds} s each after ${WARM_UP_SECONDS} s of warm-up` +
    (serverCore === undefined
      ? ''
      : '; servers with all their processes pinned to one core, the load to another; calls not pinned');
  const text = resultsMarkdown(
    'programs and handlers',
    'bench:handlers',
    { ...machine(), versions, method, remarks: remarks.all },
    parts,
  );
  writeFileSync(RESULTS, text);
  console.log('\nbench/HANDLERS.md is written.');
}

async function chat(): Promise<Part> {
  const all = withUndelayed(contestants);
  const rows: ChatRow[] = CHATS.map(({ name, goal }) => ({ title: workload(name).title, goal, by: outcomes(all) }));
  await interleaved(async () => {
    for (const [at, { by }] of rows.entries())
      for (const room of all) await attempt(by[room.name]!, () => load(room, workload(CHATS[at]!.name)));
  });
  aloneInRoom = rows[0]!.by[LOOP];
  return chatPart(rows);
}

async function crowd(): Promise<Part | undefined> {
  const needed = CONNECTED + 200;
  if (openFiles() < needed) {
    remark(`crowd is left out: it needs ulimit -n ${needed}, here it is ${openFiles()}`);
    return undefined;
  }
  const title = `${CONNECTED.toLocaleString('en')} clients, of whom ${TALKING} talk`;
  const row: ChatRow = { title, goal: { most: 1 }, by: outcomes() };
  await interleaved(async () => {
    for (const room of contestants)
      await attempt(row.by[room.name]!, () => load(room, { ...workload('echo1'), silent: CONNECTED - TALKING }));
  });
  return crowdPart(row, aloneInRoom);
}

async function stuck(): Promise<Part> {
  const rows: StuckRow[] = contestants.map(({ name }) => ({ name, without: { samples: [] }, with: { samples: [] } }));
  const order = { ...workload('fan1'), ...SMALL_ROOM, warmUp: FILLING_SECONDS };
  await interleaved(async () => {
    for (const [at, room] of contestants.entries()) {
      await attempt(rows[at]!.without, () => load(room, order));
      await attempt(rows[at]!.with, () => load(room, { ...order, stuck: 1 }));
    }
  });
  const size = `${SMALL_ROOM.bytes / 1024} KiB to ${SMALL_ROOM.connections} clients`;
  return stuckPart(rows, `Fan-out of ${size}, and one more that never reads`);
}

async function calls(): Promise<Part> {
  const rows: CallRow[] = CARRIERS.flatMap((carrier) =>
    WORKERS.map((workers) => ({
      carrier,
      workers,
      many: { samples: [] },
      one: { samples: [] },
      alone: { samples: [] },
    })),
  );
  await interleaved(async () => {
    for (const row of rows) {
      const { carrier, workers, many, one, alone } = row;
      await attempt(many, () => daemonCalls(carrier, workers, CALLERS));
      await attempt(one, () => daemonCalls(carrier, workers, 1));
      await attempt(alone, async () => {
        const php = await answering(carrier, workers, folder);
        try {
          const order: CarrierOrder = { ...callOrder(CALLERS), keys: php.keys };
          return await program<CallResult>('handlers/carrier.ts', order, undefined);
        } finally {
          php.stop();
        }
      });
    }
  });
  return callPart(rows, CALLERS);
}

/** The messages of one workload in one room, with the CPU time of all its processes. */
async function load({ command, library, noDelay }: Room, order: Workload & Partial<LoadOrder>): Promise<LoadResult> {
  const environment = { LIBRARY: library, MODE: order.mode, ...(noDelay && { NODELAY: '1' }) };
  const { port, pid, stop } = await launch(command, environment, serverCore);
  try {
    const whole: LoadOrder = { warmUp: WARM_UP_SECONDS, ...order, text: true, opening: OPENING, port, pid, seconds };
    return await program<LoadResult>('load.ts', whole, loadCore);
  } finally {
    await stop();
  }
}

async function daemonCalls(carrier: CallRow['carrier'], workers: number, callers: number): Promise<CallResult> {
  const php = await answering(carrier, workers, folder);
  try {
    const config = join(folder, 'config.json');
    const handlers = { bench: { events: ['call'], methods: '*', ...php.keys } };
    const limits = { messagesPerSecond: 1e6, bytesPerSecond: '1GiB', connectsPerSecond: 1_000 };
    writeFileSync(config, JSON.stringify({ store: 'memory', limits, handlers }));
    const { port, pid, stop } = await launch([process.execPath, CLI, 'serve', '-c', config], {});
    try {
      const order: DaemonOrder = { ...callOrder(callers), port, pid, ...(php.pid && { programs: php.pid }) };
      return await program<CallResult>('handlers/daemon-calls.ts', order, undefined);
    } finally {
      await stop();
    }
  } finally {
    php.stop();
  }
}

function callOrder(callers: number): CallOrder {
  return { callers, seconds, warmUp: WARM_UP_SECONDS };
}

function workload(name: string): Workload {
  return WORKLOADS.find((one) => one.name === name)!;
}

function outcomes(all: readonly Room[] = contestants): ChatRow['by'] {
  return Object.fromEntries(all.map(({ name }) => [name, { samples: [] }]));
}

async function interleaved(round: () => Promise<void>): Promise<void> {
  for (let done = 0; done < rounds; done++) await round();
}

/** What cannot be done is not tried again. */
async function attempt<Result>(outcome: Outcome<Result>, work: () => Promise<Result>): Promise<void> {
  if (outcome.failure !== undefined && outcome.samples.length === 0) return;
  try {
    outcome.samples.push(await work());
  } catch (error) {
    outcome.failure = (error as Error).message;
  }
}
