/**
 * The long run: `npm run chaos:nodes -- [--kind disk|failover] [--seed 1] [--faults 100] [--readers 20] [--nodes 3]`. Prints
 * what happened in one line, and what was wrong; ends with 1 when something was.
 */
import { parseArgs } from 'node:util';
import { NodesChaos } from './nodes-chaos.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'disk' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    faults: { type: 'string', default: '100' },
    readers: { type: 'string', default: '20' },
    nodes: { type: 'string', default: '3' },
    patience: { type: 'string', default: '120000' },
  },
});
const ends: (() => unknown)[] = [];
const owner = { after: (end: () => unknown) => void ends.push(end) };
console.log(`${values.kind}, seed ${values.seed}`);
const begun = performance.now();
try {
  const { violations, faults, ...counts } = await new NodesChaos(owner, {
    kind: values.kind === 'failover' ? 'failover' : 'disk',
    seed: Number(values.seed),
    faults: Number(values.faults),
    readers: Number(values.readers),
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
