import { readdirSync } from 'node:fs';
import type { FileTable } from './static-files.ts';

/** Sources are served with their types taken out; the built package holds the same files as `.js`. */
export const CODE = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** Where `web/` and `src/` stand, seen from here or from the built package's one file, src/program/main.js. */
const ROOT = new URL(CODE === '.ts' ? '../../../' : '../../', import.meta.url);

/** All that the SDK consists of: every module of the floors that run in browsers, and what those import. */
export const sdkModules = (): FileTable => modules(['src/clock', ...['src/client', 'src/protocol'].flatMap(modulesIn)]);

/** URL path to file, from paths in the package: `{ '/': 'web/index.html' }`. */
export function tableOf(paths: Readonly<Record<string, string>>): FileTable {
  return Object.fromEntries(Object.entries(paths).map(([path, file]) => [path, new URL(file, ROOT)]));
}

/** Modules under their own paths: named without their ending, or, for a whole folder, by `modulesIn`. */
export function modules(names: readonly string[]): FileTable {
  return tableOf(Object.fromEntries(names.map((name) => [`/${name}${CODE}`, name + CODE])));
}

/** All the modules of a folder, by their names without the ending. */
export function modulesIn(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, ROOT))
    .filter((name) => name.endsWith(CODE) && !name.endsWith('.d.ts'))
    .map((name) => `${folder}/${name.slice(0, -CODE.length)}`);
}
