#!/usr/bin/env node
// The command `zocalo`. It is plain JavaScript that an old Node can read too: it says what is missing before anything
// else is loaded.
import { existsSync, readFileSync } from 'node:fs';

const { engines, dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const needed = engines.node.replace('>=', '');

if (isOlder(process.versions.node, needed)) {
  give('NODE_TOO_OLD', `this is Node ${process.versions.node}, and zocalo needs ${needed} or newer`, howToUpdate());
} else {
  try {
    // Written as a variable, so that the check above runs before anything of it is looked for.
    const program = new URL('./cli.ts', import.meta.url);
    await import(program.href);
  } catch (error) {
    const [, missing] = /^Cannot find package '([^']+)'/.exec(error.message) ?? [];
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !Object.keys(dependencies).includes(missing)) throw error;
    give('NOT_INSTALLED', `the package ${missing}, which zocalo needs, is not installed`, 'run npm install');
  }
}

function isOlder(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  return a[0] !== b[0] ? a[0] < b[0] : a[1] < b[1];
}

/** A clone brings a Node of its own, with which its npm scripts run. */
function howToUpdate() {
  const isClone = existsSync(new URL('../scripts/install.mjs', import.meta.url));
  return isClone ? 'run npm install, which brings one for this clone, and then npx zocalo' : 'update Node';
}

function give(code, happened, advice) {
  process.stderr.write(`${code}: ${happened}; ${advice}\n`);
  process.exitCode = 1;
}
