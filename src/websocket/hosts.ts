import { ZocaloError } from '../errors.ts';
import type { Refusal } from './core/handshake.ts';
import { HostPatterns, isAddress, isLoopback, parseHost, parseHostPattern } from './host-name.ts';

/**
 * Names by which a server may be called, against DNS rebinding: a page of `evil.example`, whose name was made to
 * resolve to this machine, sends `Host: evil.example`. Nobody can redirect an IP address or `localhost`, and a browser
 * always sends a host; so IP addresses, `localhost`, and HTTP/1.0 without a host are always accepted.
 */
export class Hosts {
  /** Undefined: any name. */
  readonly #patterns: HostPatterns | undefined;

  /** @throws ZocaloError BAD_OPTION for a name that no `Host` header can match. */
  constructor(hosts: string | readonly string[] = '*') {
    const names = [hosts].flat().map(normalHostName);
    if (names.length === 0)
      throw new ZocaloError('BAD_OPTION', 'the option hosts is an empty list', {
        advice: "name one, or write '*' for any",
      });
    if (names.includes('*')) return;
    this.#patterns = new HostPatterns();
    for (const name of names) this.#patterns.add(name);
  }

  /** `host`: the header, with or without a port. */
  allows(host: string | undefined): boolean {
    if (!this.#patterns || host === undefined) return true;
    const name = parseHost(host)?.name;
    return name !== undefined && (isAddress(name) || isLoopback(name) || this.#patterns.has(name));
  }

  /** The refusal for a request with this header (RFC 9110 §15.5.20); null when it is accepted. */
  refusalOf(host: string | undefined): Refusal | null {
    if (this.allows(host)) return null;
    return { status: 421, reason: `This server is not ${host}; its option hosts does not name it` };
  }
}

/** Canonical form of a name in the option `hosts`: lower case, without a port. @throws ZocaloError BAD_OPTION. */
export function normalHostName(text: string): string {
  if (text === '*') return text;
  const host = text === 'same' || typeof text !== 'string' ? undefined : parseHostPattern(text);
  if (host) return host.name;
  const happened = `the option hosts has ${JSON.stringify(text)}, which is not a valid host name`;
  throw new ZocaloError('BAD_OPTION', happened, { advice: hostAdvice(String(text)) });
}

/** What to write instead of an invalid host. */
export function hostAdvice(text: string): string {
  const meant = text === 'same' ? undefined : parseHostPattern(/^(?:\w+:\/\/)?([^/?#]*)/.exec(text)![1]!)?.name;
  return meant ? `write ${meant}` : 'write a name like chat.example.org, *.example.org for all below it, or * for any';
}
