/**
 * The long run: `node test/chaos/run.ts [--seed 1] [--messages 3000] [--kills 50] [--readers 3000]`. Prints one line that sums it up, and
 * what was wrong; ends with 1 when something was.
 */
import { parseArgs } from 'node:util';
import { Chaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    messages: { type: 'string', default: '3000' },
    kills: { type: 'string', default: '50' },
    readers: { type: 'string', default: '3000' },
    patience: { type: 'string', default: '600000' },
  },
});
const options = {
  seed: Number(values.seed),
  messages: Number(values.messages),
  kills: Number(values.kills),
  readers: Number(values.readers),
  patience: Number(values.patience),
};
console.log(`seed ${options.seed}`);
const begun = performance.now();
try {
  const { violations, ...counts } = await new Chaos(options).run();
  const figures = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  console.log(
    `${figures.join(', ')}, ${violations.length} violations, ${Math.round((performance.now() - begun) / 1000)} s`,
  );
  for (const violation of violations.slice(0, 50)) console.log(violation);
  process.exitCode = violations.length > 0 ? 1 : 0;
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 1;
}
// Clients that were left on stalled lines wait for an answer to their goodbye.
process.exit();
