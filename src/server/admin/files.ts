import { CODE, type FileTable, modules, modulesIn, StaticFiles, sdkModules, tableOf } from '../http/index.ts';

/** All files of the admin page. */
function adminFiles(): FileTable {
  const uplot = new URL(import.meta.resolve('uplot'));
  const own = ['web/dom', 'web/words', 'src/server/admin/view'];
  return {
    ...tableOf({
      '/admin': 'web/admin/index.html',
      '/web/theme.css': 'web/theme.css',
      '/web/icon.svg': 'web/icon.svg',
      '/web/admin/admin.css': 'web/admin/admin.css',
      '/web/admin/tables.css': 'web/admin/tables.css',
      '/web/admin/main': `web/admin/main${CODE}`,
    }),
    '/web/admin/uplot.css': new URL('uPlot.min.css', uplot),
    '/web/admin/uplot.js': new URL('uPlot.esm.js', uplot),
    ...modules([...own, ...modulesIn('web/admin')]),
    ...sdkModules(),
  };
}

export function readAdminPage(): Promise<StaticFiles> {
  return StaticFiles.read(adminFiles());
}
