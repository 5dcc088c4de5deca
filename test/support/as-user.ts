import { spawnSync } from 'node:child_process';
import { chownSync } from 'node:fs';

/**
 * The words that start a program which refuses to run as root: with the rights of this system user if the test has
 * root's, otherwise none. The folder becomes that user's.
 */
export function asUser(user: string, folder: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const id = (flag: string) => Number(spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout);
  chownSync(folder, id('-u'), id('-g'));
  return ['setpriv', `--reuid=${user}`, `--regid=${id('-g')}`, '--clear-groups', '--'];
}
