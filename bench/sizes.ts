/**
 * What a page loads for a client, ours and those of others: minified and compressed. Writes SIZES.md.
 *
 *   npm run bench:sizes
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildClient } from '../scripts/client-package.ts';
import { bundled, OURS, PEERS, type Size, sizesReport } from './sizes/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'zocalo-sizes-'));
try {
  const ours = join(folder, 'zocalo-client');
  await buildClient(ours);
  const own = project('own', ours);
  const sizes: Size[] = [];
  for (const { what, code } of OURS) sizes.push({ what, ...(await bundled(code, own.folder)), ...own.installed });
  const peers: Size[] = [];
  for (const { name, version, code } of PEERS) {
    const { folder, installed } = project(name, `${name}@${version}`);
    peers.push({ what: `${name} ${version}`, ...(await bundled(code, folder)), ...installed });
  }
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(resolve(import.meta.dirname, 'SIZES.md'), sizesReport(sizes, peers, date));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A project with one package, as npm installs it: what came with it. */
function project(name: string, wanted: string) {
  const own = join(folder, `project-${name.replaceAll(/\W/g, '-')}`);
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', own, wanted], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const modules = join(own, 'node_modules');
  const lock = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8'));
  const packages = Object.values<{ link?: true }>(lock.packages).filter(({ link }) => !link).length;
  const bytes = readdirSync(name === 'own' ? ours() : modules, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  return { folder: own, installed: { packages: Math.max(packages, 1), bytes } };
}

/** It is linked, not copied. */
function ours(): string {
  return join(folder, 'zocalo-client');
}
