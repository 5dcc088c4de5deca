import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import type { Rights } from '../../hub/index.ts';
import { ProtocolError } from '../../protocol/index.ts';
import type { TokenClaims } from '../../server/auth/index.ts';
import type { Config } from '../../server/config/index.ts';
import { print } from '../terminal.ts';
import { addConfigFile, loadFrom } from './config-options.ts';
import { parseDuration } from './options.ts';

const EXAMPLES = `
The token is signed with the secret of the configuration. Pass it as the client's option token, or in the query of an
address. Without --can, only the options of the channels decide.

--check explains a token: whose it is, what it allows, until when it is valid; or why this daemon would refuse it.

Examples:
  zocalo token --user natalia
  zocalo token --check eyJhbGciOi…
  zocalo token --user natalia --can 'sub:chat:*' --can 'pub:chat:42' --can 'presence:chat:*' --expires 1h`;

interface Options {
  config?: string;
  user?: string;
  check?: string;
  can?: string[];
  expires: number;
}

export function addToken(program: Command): void {
  addConfigFile(program.command('token').description('make a token that identifies a user, or explain one'))
    .option('--user <name>', 'who the client is')
    .option('--check <token>', 'explain a token instead of making one; - for standard input')
    .option('--can <right>', 'sub:, pub: or presence: with a channel or pattern; may be repeated', collectRights)
    .option('--expires <duration>', 'how long it is valid, like 30s, 5m, 12h or 7d', parseDuration, 3_600_000)
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run({ config: file, user, check, can, expires }: Options): Promise<void> {
  if ((user === undefined) === (check === undefined))
    throw new ZocaloError('BAD_OPTION', 'zocalo token needs --user to make a token, or --check to explain one', {
      advice: 'give one of the two',
    });
  const { config } = await loadFrom({ ...(file !== undefined && { config: file }) });
  if (check !== undefined) {
    await print(await explain(check === '-' ? (await text(process.stdin)).trim() : check, config));
    return;
  }
  const { parseGrants } = await import('../../server/auth/index.ts');
  const claims = { user: user!, rights: rightsFrom(can, parseGrants), expiresIn: expires };
  await print(`${await mintToken(config.secret, claims)}\n`);
}

/** @throws ProtocolError UNAUTHORIZED, with the reason, for a token that this configuration's daemon refuses. */
async function explain(token: string, config: Config): Promise<string> {
  const { formatGrants, TokenRefused, Tokens } = await import('../../server/auth/index.ts');
  const tokens = new Tokens({ secret: config.secret, jwt: config.auth.jwt, now: Date.now, fetch });
  await tokens.open();
  const { user, issued, identity } = await tokens.verify(token).catch((error: unknown) => {
    if (!(error instanceof TokenRefused)) throw error;
    throw new ProtocolError('UNAUTHORIZED', `the token is refused: ${error.message}`, undefined, error.reason);
  });
  const { rights, expiresIn, data } = identity;
  const at = (time: number) => new Date(time).toISOString();
  const lines = [
    `user     ${user}`,
    `rights   ${rights ? formatGrants(rights).join(' ') || 'none' : 'none of its own: the options of the channels decide'}`,
    `issued   ${issued === undefined ? 'not stated, so a revocation of the user ends it for good' : at(issued)}`,
    `expires  ${expiresIn === undefined ? 'never' : at(Date.now() + expiresIn)}`,
    ...(data === undefined ? [] : [`data     ${JSON.stringify(data)}`]),
  ];
  const list = config.auth.login ? 'Only the running daemon knows whether it was revoked.\n' : '';
  return `${lines.join('\n')}\n${list}`;
}

/** @throws ZocaloError BAD_OPTION without a secret. */
export async function mintToken(secret: string | undefined, claims: TokenClaims): Promise<string> {
  const { Auth } = await import('../../server/auth/index.ts');
  const silent = () => {};
  // Only the secret: signing needs no other login method, and no users table.
  const auth = new Auth(
    { secret, auth: { anonymous: false, jwt: undefined, login: undefined } },
    { log: { debug: silent, info: silent, warn: silent, error: silent } },
  );
  await auth.open();
  try {
    return await auth.mint(claims);
  } finally {
    auth.close();
  }
}

/** @throws ZocaloError BAD_OPTION for an invalid right. */
export function rightsFrom(
  can: string[] | undefined,
  parseGrants: (can: unknown) => Rights | undefined,
): Rights | undefined {
  try {
    return parseGrants(can);
  } catch (cause) {
    const advice = 'write it like sub:chat:*, pub:chat:42 or presence:chat:*';
    throw new ZocaloError('BAD_OPTION', `--can ${can?.join(' --can ')} is not a list of rights`, { advice, cause });
  }
}

export function collectRights(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}
