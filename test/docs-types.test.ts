import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { DOCUMENTS, PAGES, ROOT, read } from './support/documents.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

test('every piece of TypeScript in the documents passes the type checker', async (t) => {
  const project = temporaryFolder(t);
  await mkdir(join(project, 'node_modules'));
  await symlink(ROOT, join(project, 'node_modules/zocalo'));
  await symlink(join(ROOT, 'node_modules/@types'), join(project, 'node_modules/@types'));
  await symlink(join(ROOT, 'node_modules/zod'), join(project, 'node_modules/zod'));
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
  const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['*.ts'], exclude: [] };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config));
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  let count = 0;
  for (const path of DOCUMENTS.filter((path) => !Object.hasOwn(PAGES, path))) {
    for (const [, code] of read(path).matchAll(/^ *```ts\n(.*?)^ *```/gms)) {
      count++;
      await writeFile(join(project, `${path.replaceAll('/', '-')}-${count}.ts`), code!);
    }
  }
  assert.ok(count > 2);
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const check = promisify(execFile)(process.execPath, [compiler, '-p', project]);
  await check.catch(({ stdout }) => assert.fail(stdout));
});
