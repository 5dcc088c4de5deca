import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ZocaloError } from './errors.ts';

/** As `engines` of package.json says. Node's version is also what Deno and Bun say they are compatible with. */
export const LEAST_NODE = '22.18';

/**
 * An older Node lacks functions, and would say so at some later time in words of its own.
 * @throws ZocaloError NODE_TOO_OLD.
 */
export function requireNode(version = process.versions.node): void {
  const [[major = 0, minor = 0], [leastMajor = 0, leastMinor = 0]] = [version, LEAST_NODE].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  throw new ZocaloError('NODE_TOO_OLD', `this is Node ${version}, and zocalo needs ${LEAST_NODE} or newer`);
}

/**
 * The file of a worker thread beside a module, whose `import.meta.url` is `beside`: .ts in the sources, .js in the
 * package. `use`: what needs it, for the message.
 * @throws ZocaloError WORKER_MISSING where a bundler has moved the module.
 */
export function workerFile(name: string, beside: string | undefined, use: string): URL {
  const file = beside === undefined ? undefined : new URL(`./${name}${extname(beside)}`, beside);
  if (file && (file.protocol !== 'file:' || existsSync(file))) return file;
  const where = file ? `${fileURLToPath(file)} is not there` : 'nobody knows where it is';
  throw new ZocaloError(
    'WORKER_MISSING',
    `${use} runs in a thread of its own, whose program was not bundled: ${where}`,
  );
}

/**
 * For a thread that uses node:sqlite, which prints a warning that it is experimental until Node 24. Deno refuses options
 * of Node.
 */
export function quietSqlite({ deno }: Partial<Record<string, string>> = process.versions): { execArgv?: string[] } {
  return deno === undefined ? { execArgv: ['--disable-warning=ExperimentalWarning'] } : {};
}
