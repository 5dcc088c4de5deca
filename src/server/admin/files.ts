import { readdirSync } from 'node:fs';
import { type FileTable, StaticFiles } from '../static-files.ts';

/** Where `web/` and `src/` stand: three floors up, in the repository as in the built package. */
const ROOT = new URL('../../../', import.meta.url);

/** Sources are served with their types taken out; the built package holds the same files as `.js`. */
const CODE = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** The code in a folder. All of it is for browsers. */
function modulesOf(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT))
    .filter((name) => name.endsWith(CODE) && !name.endsWith('.d.ts'))
    .map((name) => folder + name);
}

/** Every file that the admin's page consists of. */
function adminFiles(): FileTable {
  const uplot = new URL(import.meta.resolve('uplot'));
  const modules = ['src/client/', 'src/protocol/', 'web/admin/'].flatMap(modulesOf);
  return {
    '/admin': new URL('web/admin/index.html', ROOT),
    '/web/theme.css': new URL('web/theme.css', ROOT),
    '/web/icon.svg': new URL('web/icon.svg', ROOT),
    '/web/admin/admin.css': new URL('web/admin/admin.css', ROOT),
    '/web/admin/uplot.css': new URL('uPlot.min.css', uplot),
    '/web/admin/uplot.js': new URL('uPlot.esm.js', uplot),
    '/web/admin/main': new URL(`web/admin/main${CODE}`, ROOT),
    ...Object.fromEntries(
      [...modules, `web/dom${CODE}`, `web/words${CODE}`, `src/server/admin/view${CODE}`].map((path) => [
        `/${path}`,
        new URL(path, ROOT),
      ]),
    ),
  };
}

export function readAdminPage(): Promise<StaticFiles> {
  return StaticFiles.read(adminFiles());
}
