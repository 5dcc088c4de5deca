import { loadApi } from './api/index.ts';
import { loadCarriers } from './handlers/index.ts';

/**
 * Loads modules that an idle daemon does not need yet, before its port is open: later there may be no file left to
 * open, or its files may have been replaced. In the package, which is one file, they are evaluated when they are
 * needed, to save memory; only the sources have to be read here.
 */
export async function preload(): Promise<void> {
  if (import.meta.url.endsWith('.ts')) await Promise.all([loadApi(), loadCarriers(), import('jose')]);
}
