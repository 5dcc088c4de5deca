/** A host as the header `Host` and URLs write it. */
export interface Host {
  /** In canonical form: lower case, punycode, no dot at the end; IPv6 in its shortest form, in brackets. */
  readonly name: string;
  /** Empty for none. */
  readonly port: string;
}

const HOST = /^((?:[^\s/?#@\\:%*,[\]]+)|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i;

/** Undefined for an invalid host or port. */
export function parseHost(text: string): Host | undefined {
  const [, written, port = ''] = HOST.exec(text) ?? [];
  // A scheme whose default port is unusual, so that the URL parser keeps every common port.
  const name = written === undefined ? undefined : URL.parse(`http://${written}`)?.hostname.replace(/\.$/, '');
  return name && isPort(port) ? { name, port: port && String(Number(port)) } : undefined;
}

function isPort(port: string): boolean {
  return port === '' || (Number(port) > 0 && Number(port) <= 65_535);
}

/** Whether the canonical name is an IP address. */
export function isAddress(name: string): boolean {
  return name.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

/** Whether the canonical name always means this machine itself. */
export function isLoopback(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(?:\.\d+){3}$/.test(name);
}

/** A set of names: single names, `*.example.org` for all names below one, and `*` for all. */
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

/** In canonical form, with its star if it has one; undefined for a pattern that no host can match. */
export function parseHostPattern(text: string): Host | undefined {
  if (!text.startsWith('*')) return parseHost(text);
  const [, dot, rest] = /^\*(\.?)(.*)$/s.exec(text)!;
  const host = parseHost(dot ? rest! : `x${rest}`);
  if (!dot) return host?.name === 'x' ? { ...host, name: '*' } : undefined;
  // An IP address has no subdomains.
  return host && !isAddress(host.name) && parseHost(`x.${host.name}`) ? { ...host, name: `*.${host.name}` } : undefined;
}
