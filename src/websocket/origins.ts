import { ZocaloError } from '../errors.ts';
import type { Refusal } from './core/handshake.ts';
import { HostPatterns, isLoopback, parseHost, parseHostPattern } from './host-name.ts';

/** An origin, or a pattern for several, in its parts. */
interface Parts {
  /** `https`. */
  readonly scheme: string;
  /** In canonical form, perhaps with a star; empty only for `file://`. */
  readonly name: string;
  /** Empty: the scheme's default. `*`: any. */
  readonly port: string;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };
const ORIGIN = /^([a-z][a-z\d+.-]*):\/\/(.*?)(?::(\*))?$/is;

/**
 * Pages whose scripts may connect to a server. Pages of the same host always may; `'*'` accepts all pages, and a list
 * adds more: origins (`https://example.org`), all hosts below one (`https://*.example.org`), all ports of a host
 * (`http://example.org:*`), and `null`, which sandboxed frames and some files have.
 */
export class Origins {
  /** Whether any page may. */
  readonly any: boolean;
  readonly #exact = new Set<string>();
  /** By scheme and port, `https *`. */
  readonly #patterns = new Map<string, HostPatterns>();

  /** @throws ZocaloError BAD_OPTION for an origin that no page can have. */
  constructor(origins: string | readonly string[] = 'same') {
    const written = [origins].flat().map(normalOrigin);
    this.any = written.includes('*');
    for (const origin of written) this.#add(origin);
  }

  /** `host`: the header of the same request; without it, only listed origins may connect. */
  allows(origin: string, host?: string): boolean {
    if (this.any || this.#exact.has(origin)) return true;
    const page = parse(origin);
    if (!page || page.name.startsWith('*') || page.port === '*') return false;
    if (this.#exact.has(format(page)) || (host !== undefined && isSamePlace(page, host))) return true;
    return [page.port, '*'].some((port) => this.#patterns.get(`${page.scheme} ${port}`)?.has(page.name));
  }

  /** The refusal for a page that may not connect; null when it may, and for clients that are not browsers. */
  refusalOf(headers: {
    readonly origin?: string | string[] | undefined;
    readonly host?: string | string[] | undefined;
  }) {
    const { origin, host } = headers;
    if (typeof origin !== 'string' || this.allows(origin, String(host ?? ''))) return null;
    const reason = `Pages of ${origin} may not connect; the option origins does not allow it`;
    return { status: 403, reason } satisfies Refusal;
  }

  #add(origin: string): void {
    const page = parse(origin);
    if (!page || !origin.includes('*')) {
      this.#exact.add(origin);
      return;
    }
    const key = `${page.scheme} ${page.port}`;
    const hosts = this.#patterns.get(key) ?? new HostPatterns();
    this.#patterns.set(key, hosts);
    hosts.add(page.name);
  }
}

/**
 * Canonical form of an origin in the option `origins`: lower case, punycode, without the scheme's default port.
 * @throws ZocaloError BAD_OPTION.
 */
export function normalOrigin(text: string): string {
  if (text === '*' || text === 'same' || text === 'null') return text;
  const page = typeof text === 'string' ? parse(text.replace(/(?<=[^/])\/$/, '')) : undefined;
  if (page && !/^wss?$/.test(page.scheme)) return format(page);
  const happened = `the option origins has ${JSON.stringify(text)}, which is not a valid origin`;
  throw new ZocaloError('BAD_OPTION', happened, { advice: originAdvice(String(text)) });
}

/** What to write instead of an invalid origin. */
export function originAdvice(text: string): string {
  const [, scheme = 'https', host = ''] = /^(?:(\w+):\/\/)?([^/?#]*)/.exec(text)!;
  const page = parse(`${scheme.toLowerCase().replace(/^ws/, 'http')}://${host}`);
  return page
    ? `write ${format(page)}`
    : 'write one like https://example.org, or https://*.example.org for all hosts below it';
}

/** Undefined for an invalid origin. */
function parse(text: string): Parts | undefined {
  const [, written = '', authority = '', anyPort] = ORIGIN.exec(text) ?? [];
  const scheme = written.toLowerCase();
  if (scheme === 'file' && authority === '' && !anyPort) return { scheme, name: '', port: '' };
  const host = parseHostPattern(authority);
  if (!host || (anyPort && host.port !== '')) return undefined;
  return { scheme, name: host.name, port: anyPort ?? (host.port === DEFAULT_PORTS[scheme] ? '' : host.port) };
}

function format({ scheme, name, port }: Parts): string {
  return `${scheme}://${name}${port === '' ? '' : `:${port}`}`;
}

/**
 * The page comes from the requested host, or both are on this machine, so that development servers on other ports work.
 */
function isSamePlace({ scheme, name, port }: Parts, header: string): boolean {
  const host = parseHost(header);
  if (!host) return false;
  const called = host.port === DEFAULT_PORTS[scheme] ? '' : host.port;
  return (name === host.name && port === called) || (isLoopback(name) && isLoopback(host.name));
}
