/** A host as the header `Host` and URLs write it. */
export interface Host {
  /** In one form: lower case, punycode, no dot at the end; IPv6 in its shortest form, in brackets. */
  readonly name: string;
  /** Empty for none. */
  readonly port: string;
}

const HOST = /^((?:[^\s/?#@\\:%*,[\]]+)|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i;

/** Undefined for what is no host, or no port. */
export function parseHost(text: string): Host | undefined {
  const [, written, port = ''] = HOST.exec(text) ?? [];
  // A scheme whose default port nobody writes, so that the URL's own parser keeps every port apart.
  const name = written === undefined ? undefined : URL.parse(`http://${written}`)?.hostname.replace(/\.$/, '');
  return name && isPort(port) ? { name, port: port && String(Number(port)) } : undefined;
}

function isPort(port: string): boolean {
  return port === '' || (Number(port) > 0 && Number(port) <= 65_535);
}

/** Whether the name, in its one form, is an IP address. */
export function isAddress(name: string): boolean {
  return name.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

/** Whether the name, in its one form, is always this machine itself. */
export function isLoopback(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(?:\.\d+){3}$/.test(name);
}

/** Names, `*.example.org` for all names below one, and `*` for all there are. */
export class HostPatterns {
  readonly #names = new Set<string>();
  readonly #endings: string[] = [];

  add(pattern: string): void {
    if (pattern.startsWith('*')) this.#endings.push(pattern.slice(1));
    else this.#names.add(pattern);
  }

  has(name: string): boolean {
    return this.#names.has(name) || this.#endings.some((ending) => name.endsWith(ending) && name !== ending);
  }
}

/** In one form, with its star if it has one; undefined for what no host can match. */
export function parseHostPattern(text: string): Host | undefined {
  if (!text.startsWith('*')) return parseHost(text);
  const [, dot, rest] = /^\*(\.?)(.*)$/s.exec(text)!;
  const host = parseHost(dot ? rest! : `x${rest}`);
  if (!dot) return host?.name === 'x' ? { ...host, name: '*' } : undefined;
  // An address has nothing below it.
  return host && !isAddress(host.name) && parseHost(`x.${host.name}`) ? { ...host, name: `*.${host.name}` } : undefined;
}
