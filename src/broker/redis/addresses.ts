import { ZocaloError } from '../../errors.ts';
import { type Durability, replicasOf } from './durability.ts';

/** Where a Redis is, and how to log in. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** Of the server; with Sentinel, of the sentinels; of a cluster, of some of its servers. */
  readonly hosts: readonly RedisHost[];
  /** The name that the sentinels have for the primary. */
  readonly name?: string;
  /** Of the sentinels themselves. */
  readonly sentinelUser?: string;
  readonly sentinelPassword?: string;
  readonly tls: boolean;
  /** The PEM file of the authorities that sign its certificates. Default: those of Node. */
  readonly ca?: string;
  readonly username?: string;
  readonly password?: string;
  /** Number of the database; 0 by default, and always in a cluster. */
  readonly database: number;
  /** What the options of the same names are, if the program says nothing else. */
  readonly prefix?: string;
  readonly durability?: Durability;
}

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** How an address may be written, for messages. */
export const REDIS_FORMS =
  'redis://host:port, rediss://host:port, redis+sentinel://host:port,host:port/name or redis+cluster://host:port,host:port';

const FORM =
  /^(redis|rediss|redis\+sentinel|rediss\+sentinel|redis\+cluster|rediss\+cluster):\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const PORT = 6_379;
const SENTINEL_PORT = 26_379;
const SENTINEL_LOGIN = ['sentinelUser', 'sentinelPassword'];

/**
 * Reads an address: `redis://user:password@host:port/database`, with `rediss:` for TLS;
 * `redis+sentinel://user:password@host:port,host:port/name`; `redis+cluster://user:password@host:port,host:port`.
 * The last two also with `rediss+`. User, password and name are percent-encoded. `?prefix=` and `?durability=` may follow,
 * with Sentinel also `?sentinelUser=` and `?sentinelPassword=`, with TLS `?ca=` and a file.
 *
 * @throws ZocaloError BAD_ADDRESS, without the password.
 */
export function parseAddress(address: string): RedisAddress {
  const [, scheme = '', login, places = '', path = '', query = ''] = FORM.exec(address) ?? [];
  if (scheme === '') throw bad(address, 'is not an address of Redis');
  const [base, way = 'single'] = scheme.split('+') as [string, ('sentinel' | 'cluster')?];
  const hosts = places.split(',').map((place) => hostOf(address, place, way === 'sentinel' ? SENTINEL_PORT : PORT));
  if (way === 'single' && hosts.length > 1)
    throw bad(address, 'has several hosts, which only redis+sentinel:// and redis+cluster:// have');
  if (way === 'sentinel' && path === '') throw bad(address, 'lacks the name that the sentinels have for the primary');
  if (way !== 'sentinel' && !/^\d{0,5}$/.test(path)) throw bad(address, 'has a database that is not a number');
  if (way === 'cluster' && Number(path) !== 0) throw bad(address, 'has a database, which a cluster does not have');
  return {
    kind: way,
    hosts,
    ...(way === 'sentinel' && { name: decoded(address, path) }),
    tls: base === 'rediss',
    ...loginOf(address, login),
    database: way === 'sentinel' ? 0 : Number(path),
    ...parametersOf(address, query, [
      ...(way === 'sentinel' ? SENTINEL_LOGIN : []),
      ...(base === 'rediss' ? ['ca'] : []),
    ]),
  };
}

/** The address without user and password, for messages. */
export function placeOf({ kind, hosts, name, tls, database }: RedisAddress): string {
  const scheme = `redis${tls ? 's' : ''}${kind === 'single' ? '' : `+${kind}`}`;
  const places = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  return `${scheme}://${places}${name ? `/${name}` : database > 0 ? `/${database}` : ''}`;
}

function hostOf(address: string, place: string, defaultPort: number): RedisHost {
  const [, six, name, port] = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(place) ?? [];
  const host = six ?? name;
  const number = Number(port ?? defaultPort);
  if (host === undefined || number < 1 || number > 65_535) throw bad(address, `has ${JSON.stringify(place)} as a host`);
  return { host, port: number };
}

function loginOf(address: string, login: string | undefined): Pick<RedisAddress, 'username' | 'password'> {
  if (login === undefined || login === '') return {};
  const at = login.indexOf(':');
  const username = decoded(address, at < 0 ? login : login.slice(0, at));
  const password = at < 0 ? '' : decoded(address, login.slice(at + 1));
  return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
}

type Parameters = Pick<RedisAddress, 'prefix' | 'durability' | 'ca' | 'sentinelUser' | 'sentinelPassword'>;

function parametersOf(address: string, query: string, more: readonly string[]): Parameters {
  const found: { -readonly [Name in keyof Parameters]: Parameters[Name] } = {};
  const known = ['prefix', 'durability', ...more];
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.includes(name))
      throw bad(address, `has the parameter ${JSON.stringify(name)}, and only ${known.join(', ')} are known`);
    if (name === 'durability') replicasOf(value as Durability);
    found[name as 'prefix'] = value;
  }
  return found;
}

function decoded(address: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad(address, 'has a percent sign that encodes nothing');
  }
}

function bad(address: string, what: string): ZocaloError {
  const shown = address.replace(/\/\/.*@/, '//').replace(/(sentinelPassword=)[^&]*/, '$1…');
  return new ZocaloError('BAD_ADDRESS', `${JSON.stringify(shown)} ${what}`, { advice: `write ${REDIS_FORMS}` });
}
