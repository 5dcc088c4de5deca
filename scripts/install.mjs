// Runs before `npm start` and `npm test`, with whatever Node the machine has, so it is plain JavaScript.
// A fresh clone has no node_modules yet: install exactly what package-lock.json says, once.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lock = `${root}package-lock.json`;
const stamp = `${root}node_modules/.package-lock.json`; // npm writes it at the end of an install

if (!existsSync(stamp) || statSync(stamp).mtimeMs < statSync(lock).mtimeMs) {
  const npm = process.env.npm_execpath;
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  const { status, error } = spawnSync(command, [...first, 'ci', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) {
    console.error(
      `Installing the dependencies failed${error ? `: ${error.message}` : ''}. Is the npm registry reachable? Try: npm ci`,
    );
    process.exit(1);
  }
}
