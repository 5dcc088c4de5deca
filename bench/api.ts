/**
 * How fast a program publishes by HTTP: `npm run bench:api`, or `npm run bench:api -- --help`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ApiOrder, ApiResult } from './api/load.ts';
import { type ApiRow, apiPart } from './api/report.ts';
import { goalsText, partText, resultsMarkdown } from './hub/report.ts';
import { cores, machine, program, remarkNoise } from './machine.ts';
import { Remarks } from './remarks.ts';
import { launch } from './servers.ts';

const DEFAULTS = { rounds: '3', seconds: '3' };
const WARM_UP_SECONDS = 1;
const CONNECTIONS = 32;
const KEY = 'k'.repeat(40);
const RESULTS = new URL('./API.md', import.meta.url);
const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

const { values: options } = parseArgs({
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: DEFAULTS.rounds },
    seconds: { type: 'string', default: DEFAULTS.seconds },
    write: { type: 'boolean' },
    help: { type: 'boolean', default: false },
  },
});
const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)];
if (options.help || !(rounds >= 1) || !(seconds >= 1)) {
  console.log(`Usage: npm run bench:api -- [options]

  --rounds N     how often each thing is measured, at least 1 (${DEFAULTS.rounds})
  --seconds N    length of each measured window, at least 1 (${DEFAULTS.seconds})
  --no-write     do not write bench/API.md; nor is it written after fewer rounds or shorter windows`);
  process.exit(options.help ? 0 : 2);
}

const remarks = new Remarks();
const { add: remark } = remarks;
const [serverCore, loadCore] = cores(remark);
remarkNoise(remark);
const rows: ApiRow[] = [1, 100, 1_000].flatMap((batch) =>
  (['memory', 'sqlite'] as const).map((store) => ({ store, batch, samples: [] })),
);
const folder = mkdtempSync(join(tmpdir(), 'zocalo-bench-'));
try {
  for (let round = 0; round < rounds; round++)
    for (const { store, batch, samples } of rows)
      samples.push(await measure(store, batch, join(folder, `${round}-${batch}.db`)));
} finally {
  rmSync(folder, { recursive: true });
}

const part = apiPart(rows, CONNECTIONS);
console.log(`\n${partText(part)}\n\nGoals\n${goalsText([part])}`);
if (options.write ?? (rounds >= Number(DEFAULTS.rounds) && seconds >= Number(DEFAULTS.seconds))) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const versions = [`Zócalo ${version} on Node ${process.versions.node}, SQLite ${process.versions.sqlite}`];
  const method =
    `${rounds} rounds, interleaved, ${seconds} s each after ${WARM_UP_SECONDS} s of warm-up` +
    (serverCore === undefined ? '' : '; server and load pinned to a core each');
  writeFileSync(
    RESULTS,
    resultsMarkdown('the HTTP API', 'bench:api', { ...machine(), versions, method, remarks: remarks.all }, [part]),
  );
  console.log('\nbench/API.md is written.');
}

/** One round against its own daemon. */
async function measure(store: ApiRow['store'], batch: number, file: string): Promise<ApiResult> {
  const config = `${file}.json`;
  const keys = [{ name: 'bench', key: KEY, can: ['publish', 'read'] }];
  writeFileSync(config, JSON.stringify({ store: store === 'memory' ? store : `sqlite:${file}`, api: { keys } }));
  const server = await launch([process.execPath, CLI, 'serve', '-c', config], {}, serverCore);
  try {
    const { port, pid } = server;
    const order: ApiOrder = { port, pid, key: KEY, batch, connections: CONNECTIONS, seconds, warmUp: WARM_UP_SECONDS };
    return await program<ApiResult>('api/load.ts', order, loadCore);
  } finally {
    await server.stop();
  }
}
