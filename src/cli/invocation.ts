import { basename, relative } from 'node:path';

/** How to run this program again from the same place: `zocalo`, `npx zocalo`, or `node src/cli.ts`. */
export function invocation(
  script = process.argv[1] ?? '',
  env: Readonly<Record<string, string | undefined>> = process.env,
  cwd = process.cwd(),
): string {
  if (env.npm_command === 'exec') return 'npx zocalo';
  if (basename(script) === 'zocalo' && isOnPath(script, env.PATH ?? '')) return 'zocalo';
  return `node ${relative(cwd, script)}`;
}

function isOnPath(script: string, path: string): boolean {
  return path.split(process.platform === 'win32' ? ';' : ':').some((folder) => script === `${folder}/zocalo`);
}
