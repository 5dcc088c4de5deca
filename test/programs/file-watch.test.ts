import assert from 'node:assert/strict';
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileWatch } from '../../src/programs/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a saved file is reported once, when it no longer changes, also with editors that rename', (t) => {
  const folder = temporaryFolder(t);
  const [php, other] = [join(folder, 'a.php'), join(folder, 'b.php')];
  writeFileSync(php, 'one');
  writeFileSync(other, 'one');
  const clock = new FakeClock();
  const saved: string[] = [];
  const watch = new FileWatch([php, other], (file) => saved.push(file), clock);
  watch.start();
  clock.advance(1000);
  assert.deepEqual(saved, []);

  writeFileSync(php, 'half');
  clock.advance(200);
  appendFileSync(php, ' and whole');
  clock.advance(200);
  assert.deepEqual(saved, []);
  clock.advance(1000);
  assert.deepEqual(saved, [php]);

  writeFileSync(`${other}.swap`, 'two!');
  renameSync(`${other}.swap`, other);
  clock.advance(1000);
  assert.deepEqual(saved, [php, other]);

  rmSync(php);
  clock.advance(1000);
  assert.deepEqual(saved, [php, other]);
  writeFileSync(php, 'here again');
  clock.advance(1000);
  assert.deepEqual(saved, [php, other, php]);

  watch.stop();
  writeFileSync(php, 'not told any more');
  clock.advance(1000);
  assert.deepEqual([saved.length, clock.pending], [3, 0]);
});
