import type { IncomingMessage } from 'node:http';
import type { Headers } from './core/handshake.ts';

/** A client's opening handshake. */
export class UpgradeRequest {
  /** Path and query, as the client wrote them: `/chat?room=42`. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Headers;
  /** The IP address of the other end of the socket: the client's, or that of a proxy before it. */
  readonly remoteAddress: string;
  /** The subprotocols that the client offers, in its order of preference. */
  readonly protocols: readonly string[];

  constructor(request: IncomingMessage) {
    this.url = request.url ?? '/';
    this.headers = request.headers;
    this.remoteAddress = request.socket.remoteAddress ?? '';
    const offered = request.headers['sec-websocket-protocol'];
    this.protocols = offered === undefined ? NONE : offered.split(',').map((name) => name.trim());
  }

  get path(): string {
    const query = this.url.indexOf('?');
    return query < 0 ? this.url : this.url.slice(0, query);
  }

  get query(): URLSearchParams {
    const query = this.url.indexOf('?');
    return new URLSearchParams(query < 0 ? '' : this.url.slice(query));
  }

  /** The page that the client runs in; absent for clients that are no browsers. */
  get origin(): string | undefined {
    const { origin } = this.headers;
    return typeof origin === 'string' ? origin : undefined;
  }
}

const NONE: readonly string[] = [];
