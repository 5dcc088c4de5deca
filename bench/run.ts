/**
 * The comparison: `npm run bench`, or `npm run bench -- --help`.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { LoadOrder, LoadResult } from './load.ts';
import { cores, machine, openFiles, program, remarkNoise } from './machine.ts';
import { Remarks } from './remarks.ts';
import { goalsText, markdown, type Row, type Section, sectionText, TITLES } from './report.ts';
import { type ServerProgram, servers, start } from './servers.ts';
import { type ServerName, WORKLOADS, type Workload } from './workloads.ts';

const DEFAULTS = { rounds: '5', seconds: '3', peers: 'uws,ws,bun' };
const WARM_UP_SECONDS = 1;
const RESULTS = new URL('./RESULTS.md', import.meta.url);

const { values: options } = parseArgs({
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: DEFAULTS.rounds },
    seconds: { type: 'string', default: DEFAULTS.seconds },
    only: { type: 'string' },
    peers: { type: 'string', default: DEFAULTS.peers },
    write: { type: 'boolean' },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  console.log(`Usage: npm run bench -- [options]

  --rounds N        how often each server is measured in each workload (${DEFAULTS.rounds})
  --seconds N       length of each measured window, at least 2 (${DEFAULTS.seconds})
  --only a,b        some workloads: ${WORKLOADS.map(({ name }) => name).join(', ')}
  --peers a,b       some peers (${DEFAULTS.peers}), or '' for none
  --write           write bench/RESULTS.md even after a partial run
  --no-write        do not write it even after a full run

Example: npm run bench -- --only echo1,fan16 --peers ws --rounds 1`);
  process.exit();
}

const rounds = number('rounds', 1);
// The account has a resolution of 10 ms: half a percent of two seconds.
const seconds = number('seconds', 2);
const workloads = chosen(
  'only',
  WORKLOADS.map(({ name }) => name),
).map((name) => WORKLOADS.find((workload) => workload.name === name)!);
const names: ServerName[] = ['zocalo', ...chosen('peers', DEFAULTS.peers.split(','))] as ServerName[];
const remarks = new Remarks();
const { add: remark } = remarks;

const [serverCore, loadCore] = cores(remark);
const programs = names.flatMap((name) => {
  try {
    return servers[name]();
  } catch (error) {
    remark(`${TITLES[name]} is left out: ${(error as Error).message}`);
    return [];
  }
});
remarkNoise(remark);
for (const { version } of programs) console.log(version);

const sections: Section[] = [];
let disturbed = 0;
for (const workload of workloads) {
  const limit = openFiles();
  if (limit < workload.connections + 200) {
    remark(`${workload.title} is left out: it needs ulimit -n ${workload.connections + 200}, here it is ${limit}`);
    continue;
  }
  const section: Section = { workload, rows: programs.map(({ name }) => ({ server: name, samples: [] })) };
  // Interleaved, so that a slow minute of the machine affects every server.
  for (let round = 0; round < rounds; round++)
    for (const [index, program] of programs.entries()) await measure(program, workload, section.rows[index]!);
  sections.push(section);
  console.log(`\n${sectionText(section)}`);
}
if (disturbed > 0) remark(`in ${disturbed} rounds other programs took much of the cores: close them and run again`);
console.log(`\nGoals\n${goalsText(sections)}`);

const partial = partiality();
if (options.write ?? !partial) {
  writeFileSync(RESULTS, markdown(setting(), sections));
  console.log('\nbench/RESULTS.md is written.');
} else if (partial) console.log(`\nbench/RESULTS.md is unchanged, since ${partial}; --write writes it anyway.`);

async function measure(program: ServerProgram, workload: Workload, row: Row): Promise<void> {
  if (process.stderr.isTTY) process.stderr.write(`${workload.name} ${program.name} …\r\x1b[K`);
  try {
    const server = await start(program, workload, serverCore);
    try {
      const result = await load({ ...workload, port: server.port, pid: server.pid, seconds, warmUp: WARM_UP_SECONDS });
      row.samples.push(result);
      // One of the two is always the bottleneck, unless something else uses their cores.
      if (workload.measure === 'messages' && Math.max(result.serverBusy, result.loadBusy) < 0.7) disturbed++;
    } finally {
      await server.stop();
    }
  } catch (error) {
    row.error = (error as Error).message;
  }
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const result: LoadResult = await program('load.ts', order, loadCore);
  // With one core, more than 100 % is a measuring error.
  if (serverCore !== undefined && result.serverBusy > 1.1) throw new Error('the CPU accounting of a round was wrong');
  return result;
}

/** Why this run does not represent the whole comparison, if so. */
function partiality(): string | undefined {
  if (options.only !== undefined || options.peers !== DEFAULTS.peers) return 'not everything was asked for';
  if (rounds < Number(DEFAULTS.rounds) || seconds < Number(DEFAULTS.seconds)) return 'the run was shorter than usual';
  if (programs.length < names.length || sections.length < WORKLOADS.length) return 'something had to be left out';
  if (disturbed > 0) return 'the machine was busy with something else';
  if (sections.some(({ rows }) => rows.some(({ samples }) => samples.length < rounds))) return 'a round failed';
}

function setting() {
  return {
    ...machine(),
    versions: programs.map(({ version }) => version),
    method:
      `${rounds} rounds, interleaved, ${seconds} s each after ${WARM_UP_SECONDS} s of warm-up` +
      (serverCore === undefined ? '' : '; server and load pinned to a core each'),
    remarks: remarks.all,
  };
}

function number(option: 'rounds' | 'seconds', least: number): number {
  const value = Number(options[option]);
  if (!(value >= least)) stop(`--${option} must be a number, at least ${least}`);
  return value;
}

/** The option's list, or all. */
function chosen(option: 'only' | 'peers', all: string[]): string[] {
  const list = options[option]?.split(',').filter(Boolean) ?? all;
  const unknown = list.find((name) => !all.includes(name));
  if (unknown) stop(`--${option}: ${unknown} is not one of ${all.join(', ')}`);
  return list;
}

function stop(message: string): never {
  console.error(`${message}; see npm run bench -- --help`);
  process.exit(2);
}
