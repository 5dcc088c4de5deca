import { loadApi } from './api/index.ts';

/**
 * Loads what an idle daemon does not need yet, before its port is open: once it runs there may be no file left to open, or
 * others in the place of its own. The package is one file, from which such parts are evaluated when they are needed, to
 * save memory; only from the sources do they have to be read.
 */
export async function preload(): Promise<void> {
  if (import.meta.url.endsWith('.ts')) await Promise.all([loadApi(), import('jose')]);
}
