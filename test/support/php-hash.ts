import { spawnSync } from 'node:child_process';
import { missing } from './need.ts';

/** For `skip`: false where PHP is there. */
export const noPhp = missing('php');

/** What PHP's `password_hash` makes of a password, with constants of PHP: `PASSWORD_BCRYPT`, `['cost' => 4]`. */
export function phpHash(password: string, algorithm = 'PASSWORD_BCRYPT', options = "['cost' => 4]"): string {
  const code = `echo password_hash(stream_get_contents(STDIN), ${algorithm}, ${options});`;
  const { status, stdout, stderr } = spawnSync('php', ['-r', code], { input: password, encoding: 'utf8' });
  if (status !== 0) throw new Error(`php: ${stderr}${stdout}`);
  return stdout;
}

/** The form of `PASSWORD_ARGON2ID` and `PASSWORD_ARGON2I` that costs least. */
export const CHEAP = "['memory_cost' => 64, 'time_cost' => 1, 'threads' => 1]";

const found = noPhp
  ? ''
  : spawnSync('php', ['-r', "echo implode(' ', password_algos());"], { encoding: 'utf8' }).stdout;
/** For `skip`: false where PHP was built with Argon2. */
export const noArgon2 = noPhp || (found.includes('argon2id') ? false : 'needs a PHP with Argon2');
