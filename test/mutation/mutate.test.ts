import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
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

test('what the tests notice is killed, what they do not is shown, and the tree stays as it was', async () => {
  const root = join(import.meta.dirname, 'fixture');
  const file = 'src/sum/larger.ts';
  const before = readFileSync(join(root, file), 'utf8');
  const all = mutantsOf(before).map((one) => ({ ...one, file }));
  const lines: string[] = [];
  for (const mutated of ['if (false) return a;', 'if (a >= b) return a;']) {
    let seed = 0;
    while (sampleOf(all, 1, seed)[0]!.mutated !== mutated) seed++;
    const plans = { sum: { files: ['src/sum/*.ts'], tests: ['test/*.test.ts'], wider: [] } };
    await mutate({ root, plans, count: 1, seed, jobs: 1, print: (line) => lines.push(line) });
  }
  const place = 'src/sum/larger.ts:3  if (a > b) return a;  →  ';
  const row = (...cells: string[]) =>
    cells[0]!.padEnd(20) +
    cells
      .slice(1)
      .map((cell) => cell.padStart(10))
      .join('');
  const heading = row('folder', 'killed', 'survived');
  assert.deepEqual(lines, [
    `${place}if (false) return a;\n    killed by: the larger of two is found, whichever comes first`,
    ...[heading, row('sum', '1', '0'), row('all', '1', '0')],
    `${place}if (a >= b) return a;\n    SURVIVED`,
    ...[heading, row('sum', '0', '1'), row('all', '0', '1')],
  ]);
  assert.equal(readFileSync(join(root, 'src/sum/larger.ts'), 'utf8'), before);
});
