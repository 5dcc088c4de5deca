import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import type { Rights } from '../../hub/index.ts';
import type { TokenClaims } from '../../server/auth/index.ts';
import { print } from '../terminal.ts';
import { addConfigFile, loadFrom } from './config-options.ts';
import { parseDuration } from './options.ts';

const EXAMPLES = `
The token is signed with the secret of the configuration, and goes into the client's option token, or the query of
an address. Without --can, the options of the channels alone decide.

Examples:
  zocalo token --user natalia
  zocalo token --user natalia --can 'sub:chat:*' --can 'pub:chat:42' --can 'presence:chat:*' --expires 1h`;

interface Options {
  config?: string;
  user: string;
  can?: string[];
  expires: number;
}

export function addToken(program: Command): void {
  addConfigFile(program.command('token').description('make a token, by which a client is some user'))
    .requiredOption('--user <name>', 'who the client is')
    .option(
      '--can <right>',
      'sub:, pub: or presence: with a channel or pattern; may be given many times',
      collectRights,
    )
    .option('--expires <duration>', 'how long it is good, like 30s, 5m, 12h or 7d', parseDuration, 3_600_000)
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run({ config: file, user, can, expires }: Options): Promise<void> {
  const { config } = await loadFrom({ ...(file !== undefined && { config: file }) });
  const { rightsOf } = await import('../../server/auth/index.ts');
  const claims = { user, rights: rightsFrom(can, rightsOf), expiresIn: expires };
  await print(`${await mintToken(config.secret, claims)}\n`);
}

/** @throws ZocaloError BAD_OPTION without a secret. */
export async function mintToken(secret: string | undefined, claims: TokenClaims): Promise<string> {
  const { Auth } = await import('../../server/auth/index.ts');
  const silent = () => {};
  // Only the secret: a token needs none of the other doors, and no users table.
  const auth = new Auth(
    { secret, auth: { anonymous: false, jwt: undefined, login: undefined, hook: undefined } },
    { log: { debug: silent, info: silent, warn: silent, error: silent } },
  );
  await auth.open();
  try {
    return await auth.mint(claims);
  } finally {
    auth.close();
  }
}

/** @throws ZocaloError BAD_OPTION for what is no right. */
export function rightsFrom(
  can: string[] | undefined,
  rightsOf: (can: unknown) => Rights | undefined,
): Rights | undefined {
  try {
    return rightsOf(can);
  } catch (cause) {
    const advice = 'write it like sub:chat:*, pub:chat:42 or presence:chat:*';
    throw new ZocaloError('BAD_OPTION', `--can ${can?.join(' --can ')} is no list of rights`, { advice, cause });
  }
}

export function collectRights(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}
