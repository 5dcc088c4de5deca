import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { zocaloIn } from '../support/cli.ts';

test('SIGHUP changes the level of the log, and a configuration that is wrong changes nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'zocalo-reload-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const configure = (log: object) =>
    writeFileSync(
      join(folder, 'zocalo.config.json'),
      JSON.stringify({ listen: 'http://127.0.0.1:0', store: 'memory', log }),
    );
  configure({ level: 'silent' });
  const program = zocaloIn(folder, ['serve']);
  t.after(() => program.stop('SIGKILL'));
  await program.says(/open at/);
  configure({ level: 'info' });
  program.child.kill('SIGHUP');
  await program.says(/"level":"info".*the configuration was read anew/, 'stderr');
  configure({ level: 'loud' });
  program.child.kill('SIGHUP');
  await program.says(/"level":"error".*BAD_CONFIG.*log\.level.*everything is as before/, 'stderr');
  assert.equal(await program.stop(), 0);
  assert.match(program.stderr, /"level":"info".*"stopped"/);
});
