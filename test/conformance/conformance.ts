import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Bench, ClientBench, ServerBench } from './benches.ts';
import type { Case, Role, Verdict } from './case.ts';
import { inWords, type Results, readResults, updateResults } from './results.ts';
import { subject } from './under-test.ts';

/** A case that is no exchange of frames, with the bench that it needs. */
export interface Probe<B extends Bench = Bench> {
  id: string;
  title: string;
  role: Role;
  probe: (bench: B) => Promise<Verdict>;
}

const MODE = process.env.ZOCALO_CONFORMANCE ?? '';
/** ZOCALO_CONFORMANCE=full sends as many messages as the descriptions say, which takes half an hour. */
export const FULL = MODE.includes('full');
const UPDATE = MODE.includes('update');
/** Only the cases whose number starts so. */
const ONLY = process.env.ZOCALO_CONFORMANCE_ONLY ?? '';

const HINT =
  'Were they meant to change? ZOCALO_CONFORMANCE=update node --test --test-concurrency=1 "test/conformance/*.test.ts"';

type Item = Case | Probe<ServerBench> | Probe<ClientBench>;

const BENCHES = { server: ServerBench, client: ClientBench };

/** Runs the cases in both roles, `width` at a time, and compares the verdicts with the committed table. */
export function conformance(name: string, items: Item[], width = 16): void {
  for (const role of ['server', 'client'] as const) {
    const mine = items.filter((item) => playsAs(item, role) && item.id.startsWith(ONLY));
    if (mine.length === 0) continue;
    test(`${name}: the ${role} does in every case what the table says`, async (t) => {
      const bench = await BENCHES[role].start(await subject());
      try {
        report(t, role, mine, await runAll(mine, bench, width));
      } finally {
        await bench.stop();
      }
    });
  }
}

function playsAs(item: Item, role: Role): boolean {
  return 'probe' in item ? item.role === role : (item.roles ?? ['server', 'client']).includes(role);
}

async function runAll(items: Item[], bench: Bench, width: number): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) {
      verdicts[index] = await ('probe' in item ? item.probe(bench as never) : bench.run(item));
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return verdicts;
}

function report(t: TestContext, role: Role, items: Item[], verdicts: Verdict[]): void {
  const groups = Map.groupBy(items.keys(), (index) => items[index]!.id.split('.')[0]!);
  for (const [group, indexes] of groups) {
    const count = (...grades: string[]) => indexes.filter((index) => grades.includes(verdicts[index]!.grade)).length;
    const informational = count('INFORMATIONAL');
    const also = informational > 0 ? `, ${informational} of them informational` : '';
    t.diagnostic(`group ${group}, ${role}: ${count('OK') + informational} of ${indexes.length} strictly${also}`);
  }
  const fresh: Results = {};
  for (const [index, { id }] of items.entries()) fresh[id] = { [role]: inWords(verdicts[index]!) };
  if (UPDATE) updateResults(fresh);
  const table = readResults();
  const differences = items.flatMap(({ id, title }, index) => {
    const [was, is] = [table[id]?.[role] ?? 'not in the table', fresh[id]![role]];
    const { why } = verdicts[index]!;
    return was === is ? [] : [`${id} ${role}, ${title}: was ${was}, is ${is}${why ? ` (${why})` : ''}`];
  });
  assert.equal(differences.length, 0, `${differences.join('\n')}\n${HINT}`);
}
