import { readdirSync } from 'node:fs';
import type { FileTable } from './static-files.ts';

/** Sources are served with their types removed; the built package has the same files as `.js`. */
export const CODE = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** The folder of `web/` and `src/`, relative to here or to the built package's one file, src/program/main.js. */
const ROOT = new URL(CODE === '.ts' ? '../../../' : '../../', import.meta.url);

/** The modules of the SDK: those of the floors that run in browsers, and what these import. */
export const sdkModules = (): FileTable => modules(['src/clock', ...['src/client', 'src/protocol'].flatMap(modulesIn)]);

/** URL path to file, from paths in the package: `{ '/': 'web/index.html' }`. */
export function tableOf(paths: Readonly<Record<string, string>>): FileTable {
  return Object.fromEntries(Object.entries(paths).map(([path, file]) => [path, new URL(file, ROOT)]));
}

/** Modules under their own paths. `names` have no ending; `modulesIn` lists those of a folder. */
export function modules(names: readonly string[]): FileTable {
  return tableOf(Object.fromEntries(names.map((name) => [`/${name}${CODE}`, name + CODE])));
}

/** The modules of a folder, by name without the ending. */
export function modulesIn(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, ROOT))
    .filter((name) => name.endsWith(CODE) && !name.endsWith('.d.ts'))
    .map((name) => `${folder}/${name.slice(0, -CODE.length)}`);
}
