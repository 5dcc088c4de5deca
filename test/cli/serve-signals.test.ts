import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CLI, Program } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function folderOf(t: TestContext): string {
  const folder = temporaryFolder(t);
  return folder;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal} while the program is loading ends it cleanly, before anything is opened`, async (t) => {
    const folder = folderOf(t);
    // The signal comes from the process itself, at the moment at which it reads its program.
    const preload = join(folder, 'preload.mjs');
    writeFileSync(
      preload,
      `import { registerHooks } from 'node:module';
       registerHooks({ load: (url, context, next) => {
         if (!process.send && url.endsWith('/cli/main.ts')) process.kill(process.pid, '${signal}');
         return next(url, context);
       } });`,
    );
    const args = ['--import', preload, CLI, 'serve', '--port', '0', '--store', 'sqlite:here.db'];
    const program = new Program(process.execPath, args, { cwd: folder });
    t.after(() => program.stop('SIGKILL'));
    assert.equal(await program.exited, 0, program.stderr);
    assert.equal(program.stdout, '');
    assert.equal(existsSync(join(folder, 'here.db')), false);
  });

test('a daemon whose standard output cannot be written, or whose reader has gone, serves and drains', {
  skip: !existsSync('/dev/full') && 'needs /dev/full, which this machine does not have',
}, async (t) => {
  for (const output of ['>/dev/full', '']) {
    const port = await freePort();
    const line = `exec '${process.execPath}' '${CLI}' serve --port ${port} --store memory ${output}`;
    const program = new Program('sh', ['-c', line], { cwd: folderOf(t) });
    t.after(() => program.stop('SIGKILL'));
    program.child.stdout.destroy();
    const health = () => fetch(`http://localhost:${port}/health`).catch(() => undefined);
    while (!(await health())?.ok) assert.equal(program.child.exitCode, null, program.stderr);
    assert.equal(await program.stop('SIGTERM'), 0);
    assert.match(program.stderr, /"msg":"stopped"/);
  }
});
