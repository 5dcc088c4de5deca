import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { ConfigError, type LoadOptions, loadConfig } from '../../../src/server/config/index.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

export const SECRET = '0123456789abcdef0123456789abcdef';

/** A directory with these files, until the test is over. */
export function directoryWith(t: TestContext, files: Record<string, string> = {}): string {
  const directory = temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

/** What is loaded from a `zocalo.config.yaml` with this text. */
export function load(t: TestContext, yaml: string, options: LoadOptions = {}) {
  return loadConfig({ cwd: directoryWith(t, { 'zocalo.config.yaml': yaml }), env: {}, ...options });
}

/** Everything that is wrong with what `load` would load. */
export async function mistakes(t: TestContext, yaml: string, options: LoadOptions = {}): Promise<readonly string[]> {
  try {
    await load(t, yaml, options);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
