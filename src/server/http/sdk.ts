import { CODE, sdkModules, tableOf } from './page-files.ts';
import { type FileTable, StaticFiles } from './static-files.ts';

/**
 * The files behind `import { Client } from 'http://localhost:9000/zocalo.js'`: one module and its source map in the
 * built package, the sources in the repository.
 */
function sdkFiles(): FileTable {
  if (CODE === '.js') return tableOf({ '/zocalo.js': 'web/zocalo.js', '/zocalo.js.map': 'web/zocalo.js.map' });
  return { ...tableOf({ '/zocalo.js': 'web/zocalo.ts' }), ...sdkModules() };
}

/** Pages of any origin may import them: they contain no secrets, and do not depend on cookies. */
export function readSdk(): Promise<StaticFiles> {
  return StaticFiles.read(sdkFiles(), {
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
  });
}
