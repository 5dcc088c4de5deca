/**
 * The long run: `npm run chaos:sources -- [--seed 1] [--rows 5000] [--kills 30] [--database postgres] [--readers 2]`.
 * Without `--database` all kinds that this machine has, one after the other. Prints one line for each, and what was
 * wrong; ends with 1 when something was.
 */
import { parseArgs } from 'node:util';
import { KINDS } from './kinds.ts';
import { OutboxChaos } from './outbox-chaos.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    rows: { type: 'string', default: '5000' },
    kills: { type: 'string', default: '30' },
    readers: { type: 'string', default: '2' },
    database: { type: 'string', default: Object.keys(KINDS).join() },
    patience: { type: 'string', default: '120000' },
  },
});
const names = values.database.split(',') as (keyof typeof KINDS)[];
const unknown = names.find((name) => !Object.hasOwn(KINDS, name));
if (unknown !== undefined) {
  console.log(`--database: ${unknown} is not one of ${Object.keys(KINDS).join(', ')}`);
  process.exit(2);
}
const seed = Number(values.seed);
console.log(`seed ${seed}`);
for (const database of names) {
  const { skip } = KINDS[database];
  if (skip) {
    console.log(`${database}: skipped, ${skip}`);
    continue;
  }
  const ends: (() => unknown)[] = [];
  const begun = performance.now();
  try {
    const options = {
      database,
      seed,
      rows: Number(values.rows),
      kills: Number(values.kills),
      readers: Number(values.readers),
      patience: Number(values.patience),
    };
    const chaos = new OutboxChaos(options, { after: (end) => void ends.push(end as () => unknown) });
    const { violations, ...counts } = await chaos.run();
    const figures = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.log(`${database}: ${figures.join(', ')}, ${violations.length} violations, ${seconds} s`);
    for (const violation of violations.slice(0, 50)) console.log(violation);
    if (violations.length > 0) process.exitCode = 1;
  } catch (error) {
    console.log(`${database}: ${(error as Error).message}`);
    process.exitCode = 1;
  } finally {
    for (const end of ends) await end();
  }
}
process.exit();
