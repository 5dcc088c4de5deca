import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Outside of the project, which does not depend on them. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? tmpdir(), 'zocalo-test-packages');

export interface NpmPackages {
  /** A folder whose `node_modules` has them. */
  readonly folder: string;
  /** For `skip`: why they are not there, as on a machine without a network. In CI that is a failure instead. */
  readonly missing: string | false;
}

/**
 * Packages of other people that a test looks at or works with, in pinned versions: `{ express: '5.3.0' }`. They are
 * installed at the first use, without their scripts, and kept for the next run.
 */
export function npmPackages(versions: Readonly<Record<string, string>>): NpmPackages {
  const wanted = JSON.stringify(versions);
  const folder = join(CACHE, createHash('sha256').update(wanted).digest('hex').slice(0, 16));
  if (existsSync(folder)) return { folder, missing: false };
  mkdirSync(CACHE, { recursive: true });
  const fresh = mkdtempSync(join(CACHE, 'new-'));
  writeFileSync(join(fresh, 'package.json'), `{ "private": true, "type": "module", "dependencies": ${wanted} }`);
  const options = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1'];
  try {
    execFileSync('npm', ['install', '--silent', ...options], { cwd: fresh, stdio: 'pipe', timeout: 300_000 });
    try {
      renameSync(fresh, folder);
    } catch (error) {
      // Another test file has just installed the same.
      if (!existsSync(folder)) throw error;
    }
    return { folder, missing: false };
  } catch (error) {
    if (process.env.CI) throw error;
    return { folder, missing: `needs ${Object.keys(versions).join(', ')} from npm, which cannot be reached` };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
