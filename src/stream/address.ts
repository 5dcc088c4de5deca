import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { ZocaloError } from '../errors.ts';

/** `host` is a name or an IP address, IPv6 without its brackets. Port 0 means any free port. */
export interface HostAddress {
  scheme: 'tcp' | 'tls' | 'udp';
  host: string;
  port: number;
}

/** `path` is a file path, absolute or relative to the working directory, unescaped. */
export interface UnixAddress {
  scheme: 'unix';
  path: string;
}

/** `path` begins with `/` and includes the query, escaped as in HTTP. */
export interface WebSocketAddress {
  scheme: 'ws' | 'wss';
  host: string;
  port: number;
  path: string;
}

export type Address = HostAddress | UnixAddress | WebSocketAddress;

/** The default ports of RFC 6455 §3; the other schemes have none, so they need a port. */
const DEFAULT_PORTS: Record<string, number> = { ws: 80, wss: 443 };

const FORMS = {
  tcp: 'tcp://host:port, for example tcp://127.0.0.1:1337 or tcp://[::1]:1337',
  tls: 'tls://host:port, for example tls://example.org:443 or tls://[::1]:1338',
  udp: 'udp://host:port, for example udp://127.0.0.1:1337 or udp://[::1]:1337',
  ws: 'ws://host:port/path, for example ws://localhost:9000/chat',
  wss: 'wss://host:port/path, for example wss://example.org/chat',
  unix: 'unix:///absolute/path or unix:relative/path, for example unix:///tmp/zocalo.sock',
} as const;

/**
 * Bytes in `sun_path` before its terminating zero: 108 on Linux with it, 104 on macOS and the BSDs (their sys/un.h).
 */
const UNIX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * Parses a socket address: `tcp://host:port`, `tls://host:port`, `udp://host:port`, `unix:///path`,
 * `ws://host:port/path?query`, `wss://…`. IPv6 is in brackets, with a zone if needed (`[fe80::1%eth0]`).
 *
 * @throws {ZocaloError} BAD_ADDRESS or UNKNOWN_SCHEME, with the given text and the correct form.
 */
export function parseAddress(given: string | URL): Address {
  const text = String(given);
  const [, rawScheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? /^(unix):(.*)$/is.exec(text) ?? [];
  if (rawScheme === undefined || rest === undefined) {
    throw new ZocaloError('BAD_ADDRESS', `${quote(text)} has no scheme`, {
      advice: /^[^\s/]+:\d+$/.test(text) ? `write it as tcp://${text}` : `write it as ${FORMS.tcp}`,
    });
  }
  const scheme = rawScheme.toLowerCase();
  switch (scheme) {
    case 'unix':
      return { scheme, path: parsePath(text, rest) };
    case 'tcp':
    case 'tls':
    case 'udp': {
      const { host, port, after } = parseAuthority(text, scheme, rest);
      if (after !== '' && after !== '/') throw bad(text, scheme, 'has a path, which this scheme does not allow');
      return { scheme, host, port };
    }
    case 'ws':
    case 'wss': {
      const { host, port, after } = parseAuthority(text, scheme, rest);
      if (after.includes('#')) throw bad(text, scheme, 'has a fragment, which RFC 6455 §3 forbids');
      const { pathname, search } = new URL(`ws://host${after}`);
      return { scheme, host, port, path: pathname + search };
    }
    default:
      throw new ZocaloError('UNKNOWN_SCHEME', `${quote(text)} has the scheme ${quote(scheme)}`);
  }
}

/** The address as a URL that `parseAddress` reads. The path `/` of a WebSocket is omitted. */
export function formatAddress(address: Address): string {
  if (address.scheme === 'unix') {
    const path = address.path.replace(/[%\p{Cc}\s]/gu, encodeURIComponent);
    return path.startsWith('/') ? `unix://${path}` : `unix:${path}`;
  }
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const path = 'path' in address && address.path !== '/' ? address.path : '';
  return `${address.scheme}://${host}:${address.port}${path}`;
}

function parseAuthority(text: string, scheme: keyof typeof FORMS, rest: string) {
  const [, rawHost = '', rawPort, after = ''] = /^(\[[^\]]*\]|[^:/?#[\]]*)(?::([^/?#]*))?(.*)$/s.exec(rest) ?? [];
  if (/^[^/?#]*@/.test(rest)) throw bad(text, scheme, 'has a user name, which no socket address has');
  if (after !== '' && !/^[/?#]/.test(after)) throw bad(text, scheme, 'has no host and port that can be separated');
  const host = rawHost.startsWith('[') ? parseIPv6(rawHost.slice(1, -1)) : parseHost(rawHost);
  if (host === '') throw bad(text, scheme, rawHost === '' ? 'has no host' : `has an invalid host (${quote(rawHost)})`);
  const port = rawPort === undefined || rawPort === '' ? DEFAULT_PORTS[scheme] : Number(rawPort);
  if (port === undefined) throw bad(text, scheme, 'has no port');
  if ((rawPort && !/^\d{1,5}$/.test(rawPort)) || port > 65_535) {
    throw bad(text, scheme, `has the port ${quote(rawPort ?? '')}; ports go from 0 to 65535`);
  }
  return { host, port, after };
}

function parseIPv6(inside: string): string {
  const [ip = '', zone] = inside.split(/%(?:25)?/, 2);
  if (!isIPv6(ip) || zone === '' || (zone !== undefined && !/^[\w.-]+$/.test(zone))) return '';
  return zone === undefined ? ip : `${ip}%${zone}`;
}

function parseHost(host: string): string {
  if (/[\s%\p{Cc}]/u.test(host)) return '';
  const ascii = domainToASCII(host);
  return isIPv4(ascii) && !isIPv4(host) ? '' : ascii; // `1` and `0x7f.1` are names for an IPv4 address only in URLs
}

function parsePath(text: string, rest: string): string {
  if (/^unix:\/\//i.test(text) && !rest.startsWith('/'))
    throw bad(text, 'unix', 'has a host, but a Unix socket has none');
  let path: string;
  try {
    path = decodeURIComponent(rest);
  } catch {
    throw bad(text, 'unix', 'has a % that starts no escape (write it as %25)');
  }
  if (path === '' || path.endsWith('/')) throw bad(text, 'unix', 'has no file name');
  if (path.includes('\0')) throw bad(text, 'unix', 'contains a zero byte');
  if (Buffer.byteLength(path) > UNIX_PATH_BYTES) {
    throw new ZocaloError('BAD_ADDRESS', `${quote(text)} is longer than a socket's path may be`, {
      advice: `shorten it to ${UNIX_PATH_BYTES} bytes, or give it relative to the working directory as unix:name.sock`,
    });
  }
  return path;
}

function bad(text: string, scheme: keyof typeof FORMS, what: string): ZocaloError {
  return new ZocaloError('BAD_ADDRESS', `${quote(text)} ${what}`, { advice: `write it as ${FORMS[scheme]}` });
}

function quote(text: string): string {
  return JSON.stringify(text);
}
