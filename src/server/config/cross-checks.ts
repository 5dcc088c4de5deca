import { accessSync, constants } from 'node:fs';
import { compileGrant, isOwn } from '../../hub/index.ts';
import { isPattern } from '../../protocol/index.ts';
import { nearestEntry } from '../nearest.ts';
import type { Problem } from './explain.ts';
import type { Path } from './path.ts';
import type { Config } from './schema.ts';

export interface Findings {
  readonly problems: Problem[];
  /** What may be meant, but most likely is not. */
  readonly warnings: Problem[];
}

/** What no key can know by itself. `isSet`: whether somebody wrote the key, and it is not just its default. */
export function crossCheck(config: Config, isSet: (path: Path) => boolean): Findings {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const wrong = (path: Path, sentence: string) => problems.push({ path, sentence });
  const odd = (path: Path, sentence: string) => warnings.push({ path, sentence });
  const { auth, api, channels, lines, tls, secret, webhooks } = config;

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
  const known = secret !== undefined || auth.jwt !== undefined || auth.hook !== undefined;
  if (!auth.anonymous && !known)
    wrong(['auth', 'anonymous'], 'is false, and nobody else can come in: set secret, auth.jwt or auth.hook');
  for (const [name, { subscribe, publish, slow, latestBy }] of Object.entries(channels)) {
    if (isOwn(name)) wrong(['channels', name], "is for the daemon's own channels, whose options cannot be changed");
    for (const [key, who] of Object.entries({ subscribe, publish }))
      if ((who === 'granted' || who === 'users') && !known)
        odd(['channels', name, key], `is ${who}, which nobody can be: set secret, auth.jwt or auth.hook`);
    if (latestBy !== undefined && slow !== 'latest')
      odd(['channels', name, 'latestBy'], 'has no effect without slow: latest');
  }
  if (lines && isPattern(lines.channel))
    wrong(['lines', 'channel'], 'must be one channel, like readings, and no pattern: lines come without a name');

  if (lines && isOwn(lines.channel))
    wrong(['lines', 'channel'], "is one of the daemon's own channels, which no line is for");

  const entries = entriesOf(config);
  const check = (channel: string, path: Path, say: typeof odd) => {
    if (isPattern(channel) || isOwn(channel) || entries.some((entry) => compileGrant(entry)(channel))) return;
    say(path, `is ${channel}, which matches no entry of channels; the nearest is ${nearestEntry(channel, entries)}`);
  };
  if (lines) check(lines.channel, ['lines', 'channel'], wrong);
  for (const [kind, list] of Object.entries({ keys: api.keys, webhooks }))
    for (const [index, { channels }] of list.entries())
      for (const [place, channel] of channels.entries()) {
        const owner = kind === 'keys' ? ['api', 'keys'] : ['webhooks'];
        check(channel, [...owner, index, 'channels', place], odd);
      }

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

/** The channels that there are: with none configured, all; with the chat, its rooms as well. */
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
