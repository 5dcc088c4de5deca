import { accessSync, constants } from 'node:fs';
import { compileGrant, isOwn } from '../../hub/index.ts';
import { nearestEntry } from '../../nearest.ts';
import { isPattern } from '../../protocol/index.ts';
import { checkDatabases } from './database-checks.ts';
import type { Problem } from './explain.ts';
import { checkHandlers, namesUsers } from './handler-checks.ts';
import type { Path } from './path.ts';
import type { Config } from './schema.ts';
import { checkSinks } from './sink-checks.ts';
import { checkSources } from './source-checks.ts';

export interface Findings {
  readonly problems: Problem[];
  /** What is valid, but most likely a mistake. */
  readonly warnings: Problem[];
}

/** Checks that involve several keys. `isSet`: whether the key was written, as opposed to its default. */
export function crossCheck(config: Config, isSet: (path: Path) => boolean): Findings {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const wrong = (path: Path, sentence: string) => problems.push({ path, sentence });
  const odd = (path: Path, sentence: string) => warnings.push({ path, sentence });
  const { auth, api, channels, tls, secret, webhooks } = config;

  const secure = [config.listen].flat().some((address) => address.startsWith('https:'));
  if (secure && tls.length === 0)
    wrong(
      ['listen'],
      'is https, which needs a certificate: name its files in tls, as - {cert: cert.pem, key: key.pem}',
    );
  if (!secure && tls.length > 0) odd(['tls'], 'is never used: listen names no https:// address');
  for (const [index, files] of tls.entries())
    for (const name of ['cert', 'key'] as const) readable(files[name], ['tls', index, name], wrong);

  if (auth.login && secret === undefined)
    wrong(['auth', 'login'], 'needs a secret, which signs the tokens of sessions; zocalo init makes one');
  if (auth.jwt && !auth.jwt.publicKey === !auth.jwt.jwks)
    wrong(['auth', 'jwt'], 'must have one of publicKey and jwks, and not both');
  if (auth.jwt?.publicKey && !auth.jwt.publicKey.includes('-----BEGIN'))
    readable(auth.jwt.publicKey, ['auth', 'jwt', 'publicKey'], wrong);
  const known = secret !== undefined || auth.jwt !== undefined || namesUsers(config);
  if (!auth.anonymous && !known)
    wrong(
      ['auth', 'anonymous'],
      'is false, and no other way to log in is set: set secret, auth.jwt or a handler of connect',
    );
  for (const [name, { subscribe, publish, slow, latestBy }] of Object.entries(channels)) {
    if (isOwn(name)) wrong(['channels', name], "is for the daemon's own channels, whose options cannot be changed");
    for (const [key, who] of Object.entries({ subscribe, publish }))
      if ((who === 'granted' || who === 'users') && !known)
        odd(['channels', name, key], `is ${who}, which nobody can be: set secret, auth.jwt or a handler of connect`);
    if (latestBy !== undefined && slow !== 'latest')
      odd(['channels', name, 'latestBy'], 'has no effect without slow: latest');
  }
  checkHandlers(config.handlers, wrong, odd);
  const entries = entriesOf(config);
  const check = (channel: string, path: Path, say: typeof odd) => {
    if (isPattern(channel) || isOwn(channel) || entries.some((entry) => compileGrant(entry)(channel))) return;
    say(path, `is ${channel}, which matches no entry of channels; the nearest is ${nearestEntry(channel, entries)}`);
  };
  checkDatabases(config, wrong);
  checkSinks(config, wrong, odd, (channel, path) => check(channel, path, odd));
  checkSources(config, wrong, (channel, path, say) => check(channel, path, say === 'wrong' ? wrong : odd));
  for (const [kind, list] of Object.entries({ keys: api.keys, webhooks }))
    for (const [index, { channels }] of list.entries())
      for (const [place, channel] of channels.entries()) {
        const owner = kind === 'keys' ? ['api', 'keys'] : ['webhooks'];
        check(channel, [...owner, index, 'channels', place], odd);
      }

  for (const name of Object.keys(config.programs)) {
    if (isOwn(name)) wrong(['programs', name], "is one of the daemon's own channels, which no program is for");
    check(name, ['programs', name], odd);
  }
  for (const [name, { channels = [] }] of Object.entries(config.handlers))
    for (const channel of [channels].flat()) check(channel, ['handlers', name, 'channels'], odd);
  for (const [index, { name, key }] of api.keys.entries()) {
    const before = api.keys.slice(0, index);
    if (before.some((other) => other.key === key))
      wrong(['api', 'keys', index, 'key'], 'is the key of another entry too');
    if (before.some((other) => other.name === name))
      wrong(['api', 'keys', index, 'name'], `is the name of another entry too: ${name}`);
  }
  const administrators = api.keys.some(({ can }) => can.includes('admin'));
  if (config.admin && isSet(['admin']) && !administrators)
    odd(['admin'], 'is true, and nobody can use it: no entry of api.keys can admin');
  return { problems, warnings };
}

/** The entries that exist: all channels when none are configured; with the chat, its rooms as well. */
function entriesOf({ channels, chat }: Config): readonly string[] {
  const entries = Object.keys(channels);
  if (entries.length === 0) return ['*'];
  return chat ? [...entries, 'chat:*'] : entries;
}

function readable(file: string, path: Path, wrong: (path: Path, sentence: string) => void): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    wrong(path, `names a file that cannot be read (${(error as NodeJS.ErrnoException).code}): ${file}`);
  }
}
