import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The path of a new folder, which is gone with all that is in it when the test is over. */
export function temporaryFolder(t: { after(end: () => void): unknown }): string {
  const folder = mkdtempSync(join(tmpdir(), 'zocalo-test-'));
  // Hooks run in the order of their registration: a program that the test started later may still write into it.
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }));
  return folder;
}
