import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Equivalent } from './equivalent.ts';
import { type Mutant, mutantsOf, sampleOf } from './mutants.ts';
import { Trial, type Verdict } from './trial.ts';

export interface Plan {
  /** The files to change, as glob patterns. */
  files: readonly string[];
  /** The nearest tests, which are run first. */
  tests: readonly string[];
  /** The tests that are run for mutants which survive the nearest ones. */
  wider: readonly string[];
}

export interface RunOptions {
  root: string;
  plans: Readonly<Record<string, Plan>>;
  /** Mutants that make no difference: they are not tried. */
  equivalents: readonly Equivalent[];
  /** How many mutants per plan. */
  count: number;
  seed: number;
  /** How many mutants are tried at the same time. */
  jobs: number;
  /** The shortest time limit in milliseconds (30,000), since other programs may slow the machine. */
  leastLimit?: number;
  print(line: string): void;
}

const ENDS = ['killed', 'late', 'survived', 'equivalent'] as const;
/** How many mutants of a plan ended how. `late`: noticed by nothing but the time limit. */
type Row = Record<(typeof ENDS)[number], number>;

type Placed = Mutant & { file: string; plan: string };

/** How many test files are run before all. */
const LIKELY = 4;
/** How often tests are run whose failures do not repeat. */
const TRIES = 3;
/** The time limit, as a multiple of what the tests take without a change. */
const PATIENCE = 3;

/** Makes small changes to the code, one at a time, and prints those that no test notices. */
export async function mutate({
  root,
  plans,
  equivalents,
  count,
  seed,
  jobs,
  leastLimit = 30_000,
  print,
}: RunOptions): Promise<void> {
  const trials = await Promise.all(Array.from({ length: jobs }, () => Trial.open(root)));
  const stop = () => {
    for (const trial of trials) trial.end();
    process.exit(1);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const judge = new Judge(leastLimit);
    // Read from the copy: the tree may change while this runs.
    const copy = trials[0]!.folder;
    const queue = Object.entries(plans).flatMap(([plan, { files }]) => {
      const all = globSync([...files], { cwd: copy })
        .sort()
        .flatMap((file) => mutantsOf(readFileSync(join(copy, file), 'utf8')).map((one) => ({ ...one, file, plan })));
      return sampleOf(all, count, seed);
    });
    const rows = new Map(Object.keys(plans).map((plan) => [plan, emptyRow()]));
    await Promise.all(
      trials.map(async (trial) => {
        for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
          const known = equivalents.find((one) => isSame(one, mutant));
          const verdict = known ?? (await judge.judge(trial, mutant, plans[mutant.plan]!));
          const [end, words] = wordsOf(verdict);
          rows.get(mutant.plan)![end]++;
          print(`${mutant.file}:${mutant.line}  ${mutant.original}  →  ${mutant.mutated}\n    ${words}`);
        }
      }),
    );
    for (const line of table(rows)) print(line);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    for (const trial of trials) trial.end();
  }
}

function isSame(one: Equivalent, { file, original, mutated }: Placed): boolean {
  return one.file === file && one.original === original && one.mutated === mutated;
}

/** Tells what becomes of mutants, and is not misled by a machine that other programs keep busy. */
class Judge {
  readonly #leastLimit: number;
  /** How long tests may take, in milliseconds, by their patterns. */
  readonly #limits = new Map<string, Promise<number>>();
  /** The test files that noticed something last, newest first, by the patterns of the tests. */
  readonly #noticed = new Map<string, readonly string[]>();

  constructor(leastLimit: number) {
    this.#leastLimit = leastLimit;
  }

  async judge(trial: Trial, mutant: Placed, { tests, wider }: Plan): Promise<Verdict> {
    const near = await this.#judgeBy(trial, mutant, tests);
    return near.end === 'passed' && wider.length > 0 ? this.#judgeBy(trial, mutant, wider) : near;
  }

  #limitOf(trial: Trial, tests: readonly string[]): Promise<number> {
    const known = this.#limits.get(tests.join());
    if (known) return known;
    const limit = this.#measure(trial, tests);
    this.#limits.set(tests.join(), limit);
    return limit;
  }

  /** The limit by how long the tests take when nothing is changed. */
  async #measure(trial: Trial, tests: readonly string[]): Promise<number> {
    let verdict: Verdict = { end: 'late' };
    for (let tries = 0; tries < TRIES; tries++) {
      const begin = performance.now();
      verdict = await trial.run(tests, 600_000);
      if (verdict.end === 'passed')
        return Math.max(this.#leastLimit, Math.ceil((performance.now() - begin) * PATIENCE));
    }
    const why = verdict.end === 'failed' ? verdict.by : 'it takes longer than ten minutes';
    throw new Error(`${tests.join(' ')} fails before anything is changed: ${why}`);
  }

  /**
   * A failure counts when the test's file fails again, and the limit when the unchanged tests, run right afterwards,
   * do not ask for a longer one.
   */
  async #judgeBy(trial: Trial, mutant: Placed, tests: readonly string[]): Promise<Verdict> {
    const { file, text } = mutant;
    for (let tries = 0; tries < TRIES; tries++) {
      const limit = await this.#limitOf(trial, tests);
      const verdict = await this.#try(trial, mutant, tests, limit);
      if (verdict.end === 'passed') return verdict;
      if (verdict.end === 'late') {
        this.#limits.delete(tests.join());
        if ((await this.#limitOf(trial, tests)) <= limit) return verdict;
      } else {
        const again = verdict.file ? await trial.judge(file, text, [verdict.file], limit) : verdict;
        if (again.end !== 'passed') return verdict;
      }
    }
    return { end: 'passed' };
  }

  /** Begins with the files that noticed other mutants: they are the likeliest to notice this one, which saves time. */
  async #try(trial: Trial, { file, text }: Placed, tests: readonly string[], limit: number): Promise<Verdict> {
    const noticed = this.#noticed.get(tests.join()) ?? [];
    let verdict: Verdict = { end: 'passed' };
    if (noticed.length > 0) verdict = await trial.judge(file, text, noticed, limit);
    if (verdict.end === 'passed') verdict = await trial.judge(file, text, tests, limit);
    const by = verdict.end === 'failed' ? verdict.file : undefined;
    if (by) this.#noticed.set(tests.join(), [by, ...noticed.filter((one) => one !== by)].slice(0, LIKELY));
    return verdict;
  }
}

function wordsOf(verdict: Verdict | Equivalent): [keyof Row, string] {
  if ('why' in verdict) return ['equivalent', `equivalent: ${verdict.why}`];
  if (verdict.end === 'failed') return ['killed', `killed by: ${verdict.by}`];
  return verdict.end === 'late' ? ['late', 'killed by the time limit'] : ['survived', 'SURVIVED'];
}

function emptyRow(): Row {
  return { killed: 0, late: 0, survived: 0, equivalent: 0 };
}

function* table(rows: ReadonlyMap<string, Row>): Generator<string> {
  const all = emptyRow();
  for (const row of rows.values()) for (const end of ENDS) all[end] += row[end];
  const line = (name: string, cells: readonly unknown[]) =>
    name.padEnd(20) + cells.map((cell) => String(cell).padStart(12)).join('');
  yield line('folder', ['killed', 'by limit', 'survived', 'equivalent']);
  for (const [name, row] of [...rows, ['all', all] as const])
    yield line(
      name,
      ENDS.map((end) => row[end]),
    );
}
