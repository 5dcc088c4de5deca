import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REMOVALS, without } from '../../scripts/mutation/removals.ts';

const ROOT = join(import.meta.dirname, '../..');

test('what npm run mutate -- --without takes away is in the code, and so are the tests that should notice it', () => {
  for (const [name, removal] of Object.entries(REMOVALS)) {
    assert.ok(without(ROOT, removal).includes(removal.mutated), name);
    for (const file of removal.tests) assert.deepEqual(globSync(file, { cwd: ROOT }), [file], name);
  }
  const { generation } = REMOVALS;
  assert.throws(() => without(ROOT, { ...generation!, original: 'not there' }), /has 0 times, and not once/);
});
