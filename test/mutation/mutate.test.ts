import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { EQUIVALENTS, type Equivalent } from '../../scripts/mutation/equivalent.ts';
import { mutantsOf, sampleOf } from '../../scripts/mutation/mutants.ts';
import { mutate } from '../../scripts/mutation/run.ts';
import { tokensOf } from '../../scripts/mutation/tokens.ts';

const changes = (source: string) => mutantsOf(source).map(({ mutated }) => mutated);

test('operators, bounds, literals, conditions, branches and statements are changed, one at a time', () => {
  assert.deepEqual(changes('const isMore = a >= 10 && !b;'), [
    'const isMore = a > 10 && !b;',
    'const isMore = a >= 11 && !b;',
    'const isMore = a >= 10 || !b;',
    'const isMore = a >= 10 && b;',
  ]);
  assert.deepEqual(changes('if (open) return;'.replace('return', 'end()')), ['if (false) end();', 'if (true) end();']);
  assert.deepEqual(changes('const x = f(a) ? [b] : { c };'), ['const x = f(a) ? { c } : [b];']);
  assert.deepEqual(changes('function f() {\n  close(a,\n    b);\n  rest();\n}'), [';', ';']);
  assert.deepEqual(changes('let on = true;'), ['let on = false;']);
});

test('a round number that somebody chose is not changed; the numbers of a standard are', () => {
  const bounds = (source: string) => changes(source).filter((mutated) => !mutated.includes(' / '));
  assert.deepEqual(bounds('const PAGE = 256 * 1024;'), []);
  assert.deepEqual(bounds('export const PAUSE = 60_000;'), []);
  assert.deepEqual(bounds('const SHORT = 125;'), ['const SHORT = 126;']);
  assert.deepEqual(bounds('const LONGEST = 65_535;'), ['const LONGEST = 65536;']);
  assert.deepEqual(bounds('const end = 100;'), ['const end = 101;']);
});

test('a table of names is left alone, since only its keys count; other objects are not', () => {
  const table = 'const NAMES: OptionNames<Pick<Options, "a">> = {\n  a: true,\n};\n';
  assert.deepEqual(changes(table), []);
  assert.deepEqual(changes(`${table}const b = {\n  a: true,\n};`), ['a: false,']);
});

test('types, comments, texts, patterns and imports are left alone', () => {
  const source = [
    "import { a } from './a < b.ts';",
    'interface Bound { most: 10; isOpen: true; one: A extends B ? C : D }',
    '// if (a && b) return 1;',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a template
    "const text = 'a && b' + `a < ${ nested({ a: `${ '}' }` }) } < b`;",
    'const pattern = /a && [/] < 1/u;',
    'const given = f as Map<string, 1 | 2>;',
  ].join('\n');
  assert.deepEqual(changes(source), []);
});

test('a slash divides after a value and begins a pattern elsewhere', () => {
  const texts = tokensOf("a / b / c; f(/a b/g); return /'/;").map(({ text }) => text);
  assert.deepEqual(
    texts.filter((text) => text.includes('/')),
    ['/', '/', '/a b/g', "/'/"],
  );
});

test('the same seed chooses the same mutants, of different lines', () => {
  const mutants = mutantsOf('a(1 < 2);\nb(3 < 4);\nc(5 < 6);\n').map((one) => ({ ...one, file: 'x.ts' }));
  const chosen = sampleOf(mutants, 2, 7);
  assert.deepEqual(sampleOf(mutants, 2, 7), chosen);
  assert.equal(new Set(chosen.map(({ line }) => line)).size, 2);
  assert.equal(sampleOf(mutants, 10, 7).length, 3);
});

const FIXTURE = join(import.meta.dirname, 'fixture');
/** What is printed when one mutant alone is tried: its verdict, and the cells of the table. */
async function tried(file: string, mutated: string, equivalents: readonly Equivalent[] = []) {
  const source = readFileSync(join(FIXTURE, file), 'utf8');
  const all = mutantsOf(source).map((one) => ({ ...one, file }));
  let seed = 0;
  while (sampleOf(all, 1, seed)[0]!.mutated !== mutated) seed++;
  const plans = { sum: { files: [file], tests: [`test/${basename(file, '.ts')}.test.ts`], wider: [] } };
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  await mutate({ root: FIXTURE, plans, equivalents, count: 1, seed, jobs: 1, leastLimit: 1_000, print });
  assert.equal(readFileSync(join(FIXTURE, file), 'utf8'), source);
  return [lines[0], ...lines.slice(1).map((line) => line.split(/\s{2,}/))];
}
const HEADING = ['folder', 'killed', 'by limit', 'survived', 'equivalent'];

test('mutants that the tests notice are killed, others are shown, and the tree stays unchanged', async () => {
  const place = 'src/sum/larger.ts:3  if (a > b) return a;  →  ';
  assert.deepEqual(await tried('src/sum/larger.ts', 'if (false) return a;'), [
    `${place}if (false) return a;\n    killed by: the larger of two is found, whichever comes first`,
    ...[HEADING, ['sum', '1', '0', '0', '0'], ['all', '1', '0', '0', '0']],
  ]);
  assert.deepEqual(await tried('src/sum/larger.ts', 'if (a >= b) return a;'), [
    `${place}if (a >= b) return a;\n    SURVIVED`,
    ...[HEADING, ['sum', '0', '0', '1', '0'], ['all', '0', '0', '1', '0']],
  ]);
});

test('what makes the tests hang is counted apart', async () => {
  const [original, mutated] = ['rest > 0', 'rest >= 0'].map(
    (condition) => `for (let rest = number; ${condition}; rest = Math.floor(rest / 2)) count++;`,
  );
  assert.deepEqual(await tried('src/sum/bits.ts', mutated!), [
    `src/sum/bits.ts:4  ${original}  →  ${mutated}\n    killed by the time limit`,
    ...[HEADING, ['sum', '0', '1', '0', '0'], ['all', '0', '1', '0', '0']],
  ]);
});

test('what is known to make no difference is not tried', async () => {
  const [original, mutated] = ['if (a > b) return a;', 'if (a >= b) return a;'];
  const known = { file: 'src/sum/larger.ts', original, mutated, why: 'they are equal' };
  assert.deepEqual(await tried(known.file, mutated, [known]), [
    `src/sum/larger.ts:3  ${original}  →  ${mutated}\n    equivalent: they are equal`,
    ...[HEADING, ['sum', '0', '0', '0', '1'], ['all', '0', '0', '0', '1']],
  ]);
});

test('each mutant that is known to make no difference is still one of the code', () => {
  for (const { file, original, mutated } of EQUIVALENTS) {
    const mutants = mutantsOf(readFileSync(join(import.meta.dirname, '../..', file), 'utf8'));
    assert.ok(
      mutants.some((one) => one.original === original && one.mutated === mutated),
      `${file}: ${original}  →  ${mutated}`,
    );
  }
});
