/**
 * What a million connections need: `npm run bench:scale` measures the constants, on Linux with redis-server, and
 * `npm run scale` computes with them, and writes the tables of docs/scale.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { remarkNoise } from './machine.ts';
import { Remarks } from './remarks.ts';
import { FILE, readConstants } from './scale/constants.ts';
import { measure } from './scale/measure.ts';
import { filled, tables } from './scale/report.ts';

const DOCUMENT = new URL('../docs/scale.md', import.meta.url);

const { values } = parseArgs({ options: { measure: { type: 'boolean' }, rounds: { type: 'string', default: '3' } } });
if (values.measure) {
  const remarks = new Remarks();
  remarkNoise(remarks.add);
  writeFileSync(FILE, `${JSON.stringify(await measure(Number(values.rounds), remarks.all), null, 2)}\n`);
}
const constants = readConstants();
for (const [name, table] of Object.entries(tables(constants))) console.log(`\n${name}\n${table}`);
writeFileSync(DOCUMENT, filled(readFileSync(DOCUMENT, 'utf8'), constants));
console.log('\nThe tables of docs/scale.md are written.');
process.exit();
