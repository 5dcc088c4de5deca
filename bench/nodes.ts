/**
 * Several nodes with one Redis: `npm run bench:nodes`, or `npm run bench:nodes -- --help`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { noRedis, type RedisServer, startRedis } from '../test/support/redis.ts';
import { goalsText, type Part, partText, resultsMarkdown } from './hub/report.ts';
import { machine, program, remarkNoise } from './machine.ts';
import type { RateOrder, RateResult } from './nodes/rate.ts';
import {
  catchUpPart,
  KINDS,
  type Kind,
  latencyPart,
  type NodesRow,
  presencePart,
  publishPart,
  type RateRow,
  roomPart,
} from './nodes/report.ts';
import type { NodesOrder, NodesResult } from './nodes/room.ts';
import { benchOptions } from './options.ts';
import { Remarks } from './remarks.ts';
import { launch, socketIoOverRedis } from './servers.ts';

const WARM_UP_SECONDS = 1;
const READERS = 200;
const BYTES = 64;
const LOG = 100_000;
const RESULTS = new URL('./NODES.md', import.meta.url);
const PARTS = { room, latency, publish, presence, catchup: catchUp };

const { rounds, seconds, chosen, write, partial } = benchOptions({
  script: 'bench:nodes',
  file: 'NODES.md',
  parts: Object.keys(PARTS),
  rounds: 3,
  seconds: 3,
});
if (noRedis) {
  console.log(noRedis);
  process.exit(1);
}
const remarks = new Remarks();
const { add: remark, attempt } = remarks;
remarkNoise(remark);
remark('nothing is pinned to a core: two nodes, Redis and the load share all of them');
const ends: (() => unknown)[] = [];
const owner = { after: (end: () => unknown) => void ends.push(end) };
const redis = await startRedis(owner);
const info = String(await redis.ask('info', 'server'));
const redisPid = Number(/process_id:(\d+)/.exec(info)![1]);
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const versions = [
  `Zócalo ${version} on Node ${process.versions.node}`,
  `Redis ${/redis_version:(\S+)/.exec(info)![1]}, without persistence`,
];
const parts: Part[] = [];
let towns = 0;
try {
  for (const name of chosen) {
    const part = await PARTS[name as keyof typeof PARTS]();
    parts.push(part);
    console.log(`\n${partText(part)}`);
  }
} finally {
  for (const end of ends.toReversed()) await end();
}
console.log(`\nGoals\n${goalsText(parts)}`);
const missed = partial ?? (remarks.failures > 0 ? 'not everything could be measured' : undefined);
if (write ?? !missed) {
  const method = `${rounds} rounds, interleaved, ${seconds} s each after ${WARM_UP_SECONDS} s of warm-up; the median counts`;
  const setting = { ...machine(), versions, method, remarks: remarks.all };
  writeFileSync(RESULTS, resultsMarkdown('several nodes', 'bench:nodes', setting, parts));
  console.log('\nbench/NODES.md is written.');
} else if (missed) console.log(`\nbench/NODES.md is unchanged, since ${missed}; --write writes it anyway.`);

/** A store of its own in the Redis of the bench. */
function town({ address }: RedisServer): string {
  return `${address}?prefix=bench${++towns}`;
}

function hubCommand(): string[] {
  return [process.execPath, fileURLToPath(new URL('./servers/hub.ts', import.meta.url))];
}

async function contestants(): Promise<Partial<Record<Kind, string[]>>> {
  const commands: Partial<Record<Kind, string[]>> = { zocalo: hubCommand() };
  await attempt('Socket.IO', async () => {
    const peer = socketIoOverRedis();
    commands.streams = peer.command;
    commands.plain = peer.command;
    if (!versions.includes(peer.version)) versions.push(peer.version);
  });
  return commands;
}

async function room(): Promise<Part> {
  const commands = await contestants();
  const rows: NodesRow[] = [
    { inFlight: 1, goal: { most: 0.8 }, samples: { zocalo: [], streams: [], plain: [] } },
    { inFlight: 16, goal: { most: 0.25 }, samples: { zocalo: [], streams: [], plain: [] } },
  ];
  for (let round = 0; round < rounds; round++)
    for (const { inFlight, samples } of rows)
      for (const kind of KINDS) {
        const command = commands[kind];
        if (command)
          await attempt(
            `the room on ${kind}`,
            async () => void samples[kind].push(await oneRoom(kind, command, inFlight, READERS)),
          );
      }
  return roomPart(rows, READERS);
}

async function latency(): Promise<Part> {
  const commands = await contestants();
  const samples: Record<Kind, NodesResult[]> = { zocalo: [], streams: [], plain: [] };
  for (let round = 0; round < rounds; round++)
    for (const kind of KINDS) {
      const command = commands[kind];
      if (command)
        await attempt(`one reader on ${kind}`, async () => void samples[kind].push(await oneRoom(kind, command, 1, 1)));
    }
  return latencyPart(samples);
}

async function oneRoom(kind: Kind, command: string[], inFlight: number, readers: number): Promise<NodesResult> {
  await redis.ask('flushall');
  const environment = { BROKER: town(redis), REDIS: redis.address, ADAPTER: kind };
  const nodes = [await launch(command, environment), await launch(command, environment)] as const;
  try {
    const order: NodesOrder = {
      server: kind === 'zocalo' ? 'zocalo' : 'socketio',
      ports: [nodes[0].port, nodes[1].port],
      pids: [nodes[0].pid, nodes[1].pid],
      redis: redisPid,
      readers,
      bytes: BYTES,
      inFlight,
      seconds,
      warmUp: WARM_UP_SECONDS,
    };
    return await program<NodesResult>('nodes/room.ts', order, undefined);
  } finally {
    for (const node of nodes) await node.stop();
  }
}

/** Measures how often a second something happens, with so many under way and on so many channels. */
async function rates(what: string, script: string): Promise<readonly RateRow[]> {
  const rows: RateRow[] = [
    { inFlight: 1, channels: 1, samples: [] },
    { inFlight: 64, channels: 1, samples: [] },
    { inFlight: 64, channels: 64, samples: [] },
    { inFlight: 512, channels: 8, samples: [] },
  ];
  for (let round = 0; round < rounds; round++)
    for (const { inFlight, channels, samples } of rows)
      await attempt(what, async () => {
        await redis.ask('flushall');
        const order: RateOrder = { address: town(redis), inFlight, channels, seconds, warmUp: WARM_UP_SECONDS };
        samples.push((await program<RateResult>(script, order, undefined)).perSecond);
      });
  return rows;
}

async function publish(): Promise<Part> {
  return publishPart(await rates('publishing', 'nodes/publish.ts'));
}

async function presence(): Promise<Part> {
  return presencePart(await rates('presence', 'nodes/presence.ts'));
}

async function catchUp(): Promise<Part> {
  const samples: number[] = [];
  await attempt('catching up', async () => {
    const node = await launch(hubCommand(), { BROKER: town(redis), FILL: String(LOG) });
    try {
      for (let round = 0; round < rounds; round++)
        samples.push(
          await program<number>('hub/catch-up.ts', { port: node.port, total: LOG, payload: BYTES }, undefined),
        );
    } finally {
      await node.stop();
    }
  });
  return catchUpPart(samples, LOG);
}
