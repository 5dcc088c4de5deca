import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { Refusal } from './core/handshake.ts';
import type { ConnectionOptions } from './limits.ts';

/** An existing server whose upgrades to `path` (default: any path) are handled. */
export interface Attachment {
  readonly server: HttpServer | HttpsServer;
  readonly path?: string;
}

/** The server's certificate and key for TLS. */
export type TlsIdentity = Pick<SecureContextOptions, 'cert' | 'key' | 'ca' | 'passphrase'>;

export interface ServerOptions extends ConnectionOptions {
  /**
   * Pages whose scripts may connect. Others: 403. Default `'same'`: the page must come from the host that it connects
   * to (or both from this machine, so that development servers on other ports work). This keeps a foreign page from
   * connecting with the visitor's cookies. A list allows more: origins (`https://example.org`), all hosts below one
   * (`https://*.example.org`), all ports (`http://example.org:*`), `null`. `'*'` allows any page. A value that cannot
   * be an origin is BAD_OPTION. Clients other than browsers send no origin and are accepted.
   */
  readonly origins?: string | readonly string[];
  /**
   * Names by which the server may be called (the `Host` header, without its port): `chat.example.org`, or
   * `*.example.org` for all below it. Others: 421, for plain requests too. IP addresses and `localhost` are always
   * accepted. Default `'*'`; list the names when the server is on a private network, against DNS rebinding.
   */
  readonly hosts?: string | readonly string[];
  /** Supported subprotocols. The first one that the client offers and that is listed here is chosen. Default none. */
  readonly protocols?: readonly string[];
  /** Users connected at a time. Over it: 503. Default 100,000: some 500 MB, and more than one process should hold. */
  readonly maxConnections?: number;
  /**
   * Milliseconds for a client's opening handshake and, separately, for `onUpgrade` to answer. Over it: 408, or 503.
   * Default 10,000: enough for a slow line, and short for clients that open sockets only to occupy them.
   */
  readonly handshakeTimeout?: number;
  /**
   * Milliseconds for a whole plain HTTP request, from its first byte to the last of its body; `handshakeTimeout` limits
   * its head. Over it: 408. 0: no limit. Default 300,000, Node's own, for uploads over a slow line.
   */
  readonly requestTimeout?: number;
  /**
   * Milliseconds for which an idle plain HTTP connection stays open between two requests. Default 75,000: longer than
   * proxies keep theirs (60 seconds is common), because a proxy that sends a request on a closing connection answers
   * with 502.
   */
  readonly keepAliveTimeout?: number;
  /** Connections that the system queues until they are accepted. Default 4,096; the system may allow less. */
  readonly backlog?: number;
  /**
   * For `wss://`: PEM text; `SNICallback` for further names. `renewCertificate` replaces it without closing
   * connections.
   */
  readonly tls?: TlsIdentity & Pick<TlsOptions, 'SNICallback'>;
  /**
   * Returns the client's address behind proxies. Default: the other end of the socket. Its result is the
   * `remoteAddress` of the request and of the user.
   */
  readonly clientAddress?: (request: IncomingMessage) => string;
  /** Called for each accepted connection, before TLS and before a byte is read. False closes it. */
  readonly admitSocket?: (socket: Socket) => boolean;
  /**
   * Called first for each request: a handshake, or (then with its response) a plain one. A returned refusal is the
   * answer.
   */
  readonly admitRequest?: (request: IncomingMessage, response?: ServerResponse) => Refusal | null | undefined;
  /**
   * Handles plain HTTP on the same port: pages, an API. The request target is always in origin-form. If it throws or
   * its promise is rejected, the answer is 500, and `onError` is called. At most 16 requests of one connection are
   * handled at a time; the others wait. Default: 426, with an explanation.
   */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => unknown;
  /** Default: the system clock. */
  readonly clock?: Clock;
}

export const SERVER_DEFAULTS = {
  origins: 'same',
  hosts: '*',
  protocols: [],
  maxConnections: 100_000,
  handshakeTimeout: 10_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 75_000,
  backlog: 4_096,
} as const satisfies ServerOptions;
