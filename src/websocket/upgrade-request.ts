import type { IncomingMessage } from 'node:http';
import { cookiesOf } from '../cookies.ts';

/** A client's opening handshake. */
export class UpgradeRequest {
  /** Path and query, as the client wrote them: `/chat?room=42`. */
  readonly url: string;
  /**
   * Name, value, name, value: one string, since it lives as long as its connection, and separate strings would take
   * three times the memory.
   */
  readonly #rawHeaders: string;
  /** The client's IP address: the other end of the socket, or what the option `clientAddress` returned. */
  readonly remoteAddress: string;
  /** The IP address of the other end of the socket: behind a proxy, the proxy's. */
  readonly peerAddress: string;
  /** The port of the other end of the socket: behind a proxy, the proxy's. */
  readonly remotePort: number | undefined;
  /** The subprotocols that the client offers, in its order of preference. */
  readonly protocols: readonly string[];

  constructor(request: IncomingMessage, remoteAddress?: string) {
    this.url = request.url ?? '/';
    this.#rawHeaders = request.rawHeaders.join('\n');
    this.peerAddress = request.socket.remoteAddress ?? '';
    this.remoteAddress = remoteAddress ?? this.peerAddress;
    this.remotePort = request.socket.remotePort;
    const offered = request.headers['sec-websocket-protocol'];
    this.protocols = offered === undefined ? NONE : offered.split(',').map((name) => name.trim());
  }

  /** Names in lower case; repeated values joined by commas. Parsed again at each access. */
  get headers(): Readonly<Record<string, string | undefined>> {
    const raw = this.#rawHeaders.split('\n');
    const headers: Record<string, string> = {};
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i]!.toLowerCase();
      const earlier = headers[name];
      headers[name] = earlier === undefined ? raw[i + 1]! : `${earlier}${name === 'cookie' ? ';' : ','} ${raw[i + 1]}`;
    }
    return headers;
  }

  /** By name, decoded. Parsed again at each access. */
  get cookies(): Readonly<Record<string, string | undefined>> {
    return cookiesOf(this.headers.cookie);
  }

  get path(): string {
    const query = this.url.indexOf('?');
    return query < 0 ? this.url : this.url.slice(0, query);
  }

  get query(): URLSearchParams {
    const query = this.url.indexOf('?');
    return new URLSearchParams(query < 0 ? '' : this.url.slice(query));
  }

  /** The origin of the page that the client runs in; absent for clients other than browsers. */
  get origin(): string | undefined {
    return this.headers.origin;
  }
}

const NONE: readonly string[] = [];
