import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { directoryWith } from '../server/config/support.ts';
import { Program } from '../support/cli.ts';

const LAUNCHER = fileURLToPath(new URL('../../src/zocalo.mjs', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** The command in a package of its own, which nobody has installed. */
async function launch(t: TestContext, node: string, { isClone = false } = {}) {
  const folder = directoryWith(t, {
    'package.json': JSON.stringify({ type: 'module', engines: { node }, dependencies: { commander: '1' } }),
  });
  mkdirSync(join(folder, 'src'));
  cpSync(LAUNCHER, join(folder, 'src/zocalo.mjs'));
  writeFileSync(join(folder, 'src/cli.ts'), "import 'commander';");
  if (isClone) {
    mkdirSync(join(folder, 'scripts'));
    writeFileSync(join(folder, 'scripts/install.mjs'), '');
  }
  const program = new Program(process.execPath, [join(folder, 'src/zocalo.mjs'), 'serve']);
  return { exit: await program.exited, said: program.stderr };
}

test('on a Node that is too old, the command says which one it needs, before it loads anything', async (t) => {
  assert.deepEqual(await launch(t, '>=999.1'), {
    exit: 1,
    said: `NODE_TOO_OLD: this is Node ${process.versions.node}, and zocalo needs 999.1 or newer; update Node\n`,
  });
  assert.match(
    (await launch(t, '>=999.1', { isClone: true })).said,
    /; run npm install, which brings one for this clone, and then npx zocalo$/m,
  );
});

test('when the packages are not installed, the command says so', async (t) => {
  assert.deepEqual(await launch(t, '>=22.18'), {
    exit: 1,
    said: 'NOT_INSTALLED: the package commander, which zocalo needs, is not installed; run npm install\n',
  });
});

test('the installed command is the program', async () => {
  const program = new Program(process.execPath, [LAUNCHER, '--version']);
  assert.equal(await program.exited, 0, program.stderr);
  assert.equal(program.stdout, `${version}\n`);
});
