import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { ZocaloError } from '../../errors.ts';
import { normalAddress } from './ip.ts';

/** The parts of a request that tell where it comes from: of an `IncomingMessage`, or of an engine's request. */
export interface Origin {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** `none`: no proxy names the client. `ignored`: one does, but is not in `proxies`. */
export type Forwarding = 'none' | 'believed' | 'ignored';

const FORWARDING_HEADERS = ['x-forwarded-for', 'x-forwarded-proto', 'forwarded'];

/** Bits of `::ffff:0:0/96`, before an IPv4 address that is written in IPv6 (RFC 4291 §2.5.5.2). */
const MAPPED = 96;

/**
 * Finds the client's address behind trusted proxies. Each proxy appends the address that it got the request from to
 * `X-Forwarded-For` or `Forwarded` (RFC 7239). So the lists are read from the end, up to the first address that is not
 * a trusted proxy: the entries before it may be forged.
 */
export class ClientAddress {
  readonly #trusted = new BlockList();
  readonly #isProxied: boolean;

  /**
   * @param proxies addresses and networks: `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`.
   * @throws ZocaloError BAD_OPTION.
   */
  constructor(proxies: readonly string[] = []) {
    this.#isProxied = proxies.length > 0;
    for (const proxy of proxies) this.#trust(proxy);
  }

  /** The client's IP address, in its shortest form; empty for a Unix socket. */
  of({ headers, socket }: Origin): string {
    const peer = normalAddress(socket.remoteAddress ?? '') ?? '';
    if (!this.#isProxied || !this.isTrusted(peer)) return peer;
    const [list, standard] = [headers['x-forwarded-for'], headers.forwarded];
    const said: string[] = [];
    if (list !== undefined) said.push(this.#client(peer, String(list).split(',')));
    if (standard !== undefined) said.push(this.#client(peer, readForwarded(standard)));
    // A proxy sets one of the two headers, and may pass on the other as the client sent it.
    return said.every((address) => address === said[0]) ? (said[0] ?? peer) : peer;
  }

  /** The client named by the trusted proxies; for an invalid address, the last proxy. */
  #client(peer: string, nodes: readonly string[]): string {
    let client = peer;
    for (const node of nodes.toReversed()) {
      const address = readNode(node.trim());
      if (address === undefined) return client;
      client = address;
      if (!this.isTrusted(client)) break;
    }
    return client;
  }

  /** Whether a proxy names the client, and whether that proxy is trusted. */
  forwarding({ headers, socket }: Origin): Forwarding {
    if (!FORWARDING_HEADERS.some((name) => headers[name] !== undefined)) return 'none';
    return this.isTrusted(normalAddress(socket.remoteAddress ?? '') ?? '') ? 'believed' : 'ignored';
  }

  /** What the client has connected with, if a trusted proxy says it: `https` or `http`. */
  protocol(origin: Origin): string | undefined {
    const said = this.forwarding(origin) === 'believed' ? origin.headers['x-forwarded-proto'] : undefined;
    return said === undefined ? undefined : String(said);
  }

  /** Whether the address is that of a trusted proxy. */
  isTrusted(address: string): boolean {
    return address !== '' && this.#trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }

  #trust(proxy: string): void {
    const [address = '', prefix, ...rest] = proxy.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const bits = family === 'ipv6' ? 128 : 32;
    const isPrefix = prefix === undefined || (/^\d+$/.test(prefix) && Number(prefix) <= bits);
    if (isIP(address) === 0 || !isPrefix || rest.length > 0)
      throw new ZocaloError('BAD_OPTION', `${JSON.stringify(proxy)} is not an address of a proxy`, {
        advice: 'write an address, 10.0.0.1, or a network, 10.0.0.0/8',
      });
    const length = prefix === undefined ? bits : Number(prefix);
    // An IPv4 address that is written in IPv6 is compared as IPv4.
    const mapped = length >= MAPPED ? normalAddress(address) : undefined;
    if (mapped && family === 'ipv6' && !isIPv6(mapped)) this.#trusted.addSubnet(mapped, length - MAPPED, 'ipv4');
    else this.#trusted.addSubnet(address, length, family);
  }
}

/** An address, with or without a port, IPv6 in brackets. Undefined for `unknown`, `_hidden`, and invalid text. */
function readNode(node: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::[\w.-]+)?$/.exec(node) ?? [];
  return normalAddress(bracketed ?? plain ?? node);
}

const TOKEN = "[!#$%&'*+.^`|~\\w-]+";
const PAIR = new RegExp(`\\s*(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")\\s*`, 'y');

/**
 * The nodes that `for` names in a `Forwarded` header; an empty text for an element without. A header that breaks the
 * grammar is ignored as a whole: an open quote in the client's part would hide what the proxy wrote after it.
 */
function readForwarded(header: string): string[] {
  const nodes = [''];
  PAIR.lastIndex = 0;
  for (let at = 0; at < header.length; ) {
    PAIR.lastIndex = at;
    const pair = PAIR.exec(header);
    if (!pair) return [];
    at = PAIR.lastIndex;
    const [, name, token, quoted] = pair;
    if (name!.toLowerCase() === 'for') nodes[nodes.length - 1] = token ?? quoted!.replace(/\\(.)/g, '$1');
    if (at === header.length) return nodes;
    if (header[at] === ',') nodes.push('');
    else if (header[at] !== ';') return [];
    at++;
  }
  return [];
}
