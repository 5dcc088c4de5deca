/**
 * The long run: `npm run chaos:nodes -- [--kind disk|memory|failover|cluster] [--seed 1] [--faults 100] [--readers 20]
 * [--guests 12] [--nodes 3] [--verbose]`. Prints what happened in one line, and what was wrong; ends with 1 when something was.
 */
import { parseArgs } from 'node:util';
import { NodesChaos } from './nodes-chaos.ts';
import { KINDS } from './stores.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'disk' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    faults: { type: 'string', default: '100' },
    readers: { type: 'string', default: '20' },
    guests: { type: 'string', default: '12' },
    looks: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '3' },
    patience: { type: 'string', default: '60000' },
    verbose: { type: 'boolean', default: false },
  },
});
const kind = KINDS.find((kind) => kind === values.kind);
if (!kind) {
  console.log(`${values.kind} is none of ${KINDS.join(', ')}`);
  process.exit(2);
}
const ends: (() => unknown)[] = [];
const owner = { after: (end: () => unknown) => void ends.push(end) };
console.log(`${values.kind}, seed ${values.seed}`);
const begun = performance.now();
try {
  const { violations, faults, ...counts } = await new NodesChaos(owner, {
    kind,
    seed: Number(values.seed),
    faults: Number(values.faults),
    readers: Number(values.readers),
    guests: Number(values.guests),
    looks: Number(values.looks),
    hasLongPauses: true,
    ...(values.verbose && { onLook: console.log }),
    nodes: Number(values.nodes),
    patience: Number(values.patience),
  }).run();
  const figures = [...Object.entries(counts), ...Object.entries(faults)].map(([what, count]) => `${count} ${what}`);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  console.log(`${figures.join(', ')}; ${violations.length} violations, ${seconds} s`);
  for (const violation of violations.slice(0, 50)) console.log(violation);
  process.exitCode = violations.length > 0 ? 1 : 0;
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 1;
}
for (const end of ends.toReversed()) await end();
process.exit();
