import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, mutantsOf, sampleOf } from './mutants.ts';
import { Trial, type Verdict } from './trial.ts';

export interface Plan {
  /** What is changed: files as glob patterns. */
  files: readonly string[];
  /** The tests that stand nearest, run first. */
  tests: readonly string[];
  /** Run for what the nearest tests do not notice. */
  wider: readonly string[];
}

export interface RunOptions {
  root: string;
  plans: Readonly<Record<string, Plan>>;
  /** How many mutants a plan. */
  count: number;
  seed: number;
  /** How many trees are tried at the same time. */
  jobs: number;
  print(line: string): void;
}

interface Row {
  plan: string;
  killed: number;
  survived: number;
}

type Placed = Mutant & { file: string; plan: string };

/** No mutant is called hung earlier than this, in milliseconds: other programs may have the machine. */
const LEAST_LIMIT = 30_000;
/** How many times as long as the tests without a change a mutant may take. */
const PATIENCE = 3;

/** Changes the code in small ways, one at a time, and prints which of the changes no test notices. */
export async function mutate({ root, plans, count, seed, jobs, print }: RunOptions): Promise<Row[]> {
  const trials = await Promise.all(Array.from({ length: jobs }, () => Trial.open(root)));
  const stop = () => {
    for (const trial of trials) trial.end();
    process.exit(1);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const limits = new Map<string, number>();
    for (const { tests } of Object.values(plans)) limits.set(tests.join(), await timeOf(trials[0]!, tests));
    // Read from the copy: the tree may change while this runs.
    const copy = trials[0]!.folder;
    const queue = Object.entries(plans).flatMap(([plan, { files }]) => {
      const all = globSync([...files], { cwd: copy })
        .sort()
        .flatMap((file) => mutantsOf(readFileSync(join(copy, file), 'utf8')).map((one) => ({ ...one, file, plan })));
      return sampleOf(all, count, seed);
    });
    const rows = new Map(Object.keys(plans).map((plan) => [plan, { plan, killed: 0, survived: 0 }]));
    await Promise.all(
      trials.map(async (trial) => {
        for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
          const verdict = await judge(trial, mutant, plans[mutant.plan]!, limits);
          rows.get(mutant.plan)![verdict.passed ? 'survived' : 'killed']++;
          print(sentence(mutant, verdict));
        }
      }),
    );
    for (const line of table([...rows.values()])) print(line);
    return [...rows.values()];
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    for (const trial of trials) trial.end();
  }
}

/** How long the tests may take, from how long they take when nothing is changed. */
async function timeOf(trial: Trial, tests: readonly string[]): Promise<number> {
  const begin = performance.now();
  const verdict = await trial.run(tests, 600_000);
  if (!verdict.passed) throw new Error(`${tests.join(' ')} fails before anything is changed: ${verdict.by}`);
  return Math.max(LEAST_LIMIT, Math.ceil((performance.now() - begin) * PATIENCE));
}

async function judge(trial: Trial, mutant: Placed, plan: Plan, limits: Map<string, number>): Promise<Verdict> {
  const { file, text } = mutant;
  const near = await trial.judge(file, text, plan.tests, limits.get(plan.tests.join())!);
  if (!near.passed || plan.wider.length === 0) return near;
  const key = plan.wider.join();
  if (!limits.has(key)) limits.set(key, await timeOf(trial, plan.wider));
  return trial.judge(file, text, plan.wider, limits.get(key)!);
}

function sentence({ file, line, original, mutated }: Placed, verdict: Verdict): string {
  const end = verdict.passed ? 'SURVIVED' : `killed by: ${verdict.by}`;
  return `${file}:${line}  ${original}  →  ${mutated}\n    ${end}`;
}

function* table(rows: readonly Row[]): Generator<string> {
  const sum = (name: 'killed' | 'survived') => rows.reduce((sum, row) => sum + row[name], 0);
  yield `${'folder'.padEnd(20)}${'killed'.padStart(10)}${'survived'.padStart(10)}`;
  for (const row of [...rows, { plan: 'all', killed: sum('killed'), survived: sum('survived') }])
    yield `${row.plan.padEnd(20)}${String(row.killed).padStart(10)}${String(row.survived).padStart(10)}`;
}
