import { readdirSync } from 'node:fs';
import { type FileTable, StaticFiles } from './static-files.ts';

const ROOT = new URL('../../', import.meta.url);
const IS_BUILT = import.meta.url.endsWith('.js');

/**
 * What a page needs for `import { Client } from 'http://localhost:9000/zocalo.js'`: in the built package one module
 * and its source map, in the repository the sources that it consists of.
 */
function sdkFiles(): FileTable {
  if (IS_BUILT) return tableOf({ '/zocalo.js': 'web/zocalo.js', '/zocalo.js.map': 'web/zocalo.js.map' });
  const modules = ['src/client', 'src/protocol'].flatMap((folder) =>
    readdirSync(new URL(folder, ROOT)).map((name) => `${folder}/${name}`),
  );
  return tableOf({ '/zocalo.js': 'web/zocalo.ts', ...Object.fromEntries(modules.map((path) => [`/${path}`, path])) });
}

function tableOf(paths: Readonly<Record<string, string>>): FileTable {
  return Object.fromEntries(Object.entries(paths).map(([path, file]) => [path, new URL(file, ROOT)]));
}

/** Pages of any origin may import them: there is nothing secret in them, and no cookie is looked at. */
export function readSdk(): Promise<StaticFiles> {
  return StaticFiles.read(sdkFiles(), {
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
  });
}
