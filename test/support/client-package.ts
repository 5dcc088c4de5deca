import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildClient } from '../../scripts/client-package.ts';

let project: Promise<string> | undefined;

/**
 * A project elsewhere, in which npm has installed `zocalo-client` from its tarball: its folder, the same for a test file.
 * No network is needed, since the package depends on nothing.
 */
export function projectWithClient(): Promise<string> {
  project ??= install();
  return project;
}

async function install(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'zocalo-client-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await buildClient(join(folder, 'built'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "page", "private": true, "type": "module" }');
  const npm = (...args: string[]) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  const tarball = npm('pack', '--silent', './built').trim();
  npm('install', '--offline', '--no-audit', '--no-fund', `./${tarball}`);
  return folder;
}
