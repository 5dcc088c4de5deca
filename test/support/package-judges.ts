import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { npmPackages } from './npm-packages.ts';

/** What looks at packages as their users' tools will. */
const judges = npmPackages({ publint: '0.3.25', '@arethetypeswrong/cli': '0.18.5' });

/** For `skip`: why a package cannot be judged here. */
export const noJudges = judges.missing;

/** Fails with all that publint and attw have to say about a tarball, if they have. */
export async function judgePackage(tarball: string): Promise<void> {
  const judge = async (name: string, ...args: string[]) => {
    const program = join(judges.folder, 'node_modules/.bin', name);
    const judged = promisify(execFile)(program, [...args, tarball], { cwd: dirname(tarball) });
    await judged.catch(({ stdout, stderr }) => assert.fail(`${name}: ${stdout}${stderr}`));
  };
  await judge('publint', '--strict');
  // Node 22 can also `require` it; that TypeScript asks for `import` from CommonJS is what a module is. The resolution
  // node10 knows no `exports`.
  await judge('attw', '--profile', 'esm-only');
}
