import { CODE, sdkModules, tableOf } from './page-files.ts';
import { type FileTable, StaticFiles } from './static-files.ts';

/**
 * What a page needs for `import { Client } from 'http://localhost:9000/zocalo.js'`: in the built package one module
 * and its source map, in the repository the sources that it consists of.
 */
function sdkFiles(): FileTable {
  if (CODE === '.js') return tableOf({ '/zocalo.js': 'web/zocalo.js', '/zocalo.js.map': 'web/zocalo.js.map' });
  return { ...tableOf({ '/zocalo.js': 'web/zocalo.ts' }), ...sdkModules() };
}

/** Pages of any origin may import them: there is nothing secret in them, and no cookie is looked at. */
export function readSdk(): Promise<StaticFiles> {
  return StaticFiles.read(sdkFiles(), {
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
  });
}
