import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { Refusal } from './core/handshake.ts';
import type { ConnectionOptions } from './limits.ts';

/** A server that exists already, whose upgrades to `path` (default: to any path) are taken. */
export interface Attachment {
  readonly server: HttpServer | HttpsServer;
  readonly path?: string;
}

/** What a server shows of itself in TLS. */
export type TlsIdentity = Pick<SecureContextOptions, 'cert' | 'key' | 'ca' | 'passphrase'>;

export interface ServerOptions extends ConnectionOptions {
  /**
   * Pages whose scripts may connect. Others: 403. Default `'same'`: the page must come from the host that it connects
   * to (or both from this machine, so that development servers on other ports work), which keeps a foreign page from
   * speaking with the visitor's cookies. A list lets in more: origins (`https://example.org`), all hosts below one
   * (`https://*.example.org`), all ports (`http://example.org:*`), `null`. `'*'` lets in any page. What no page can
   * have as its origin is BAD_OPTION. Clients that are no browsers send no origin and are let in.
   */
  readonly origins?: string | readonly string[];
  /**
   * Names by which the server may be called (the `Host` header, without its port): `chat.example.org`, or
   * `*.example.org` for all below it. Others: 421, for plain requests too. IP addresses and `localhost` always may.
   * Default `'*'`; name them when the server is on a private network, against DNS rebinding.
   */
  readonly hosts?: string | readonly string[];
  /** Subprotocols spoken here. The first that the client offers and this list has is chosen. Default none. */
  readonly protocols?: readonly string[];
  /** Users connected at a time. Over it: 503. Default 100,000: some 500 MB, and beyond what one process should hold. */
  readonly maxConnections?: number;
  /**
   * Milliseconds for a client's opening handshake and, once more, for `onUpgrade` to answer. Over it: 408, or 503.
   * Default 10,000: generous for a person's line, short for somebody who opens sockets only to hold them.
   */
  readonly handshakeTimeout?: number;
  /**
   * Milliseconds for a whole request by plain HTTP, from its first byte to the last of its body: `handshakeTimeout`
   * alone bounds its head. Over it: 408. 0: never. Default 300,000, Node's own, for uploads over a slow line.
   */
  readonly requestTimeout?: number;
  /**
   * Milliseconds for which a plain HTTP connection stays open between two requests. Default 75,000: longer than proxies
   * keep theirs (60 seconds is common), since one that sends a request while it is being closed answers with 502.
   */
  readonly keepAliveTimeout?: number;
  /** Connections that the system holds until they are accepted. Default 4,096; the system may allow less. */
  readonly backlog?: number;
  /** For `wss://`: PEM text; `SNICallback` for further names. `renewCertificate` replaces it without closing anybody. */
  readonly tls?: TlsIdentity & Pick<TlsOptions, 'SNICallback'>;
  /**
   * Says whose request it is, where proxies stand before the server. Default: the other end of the socket. What it
   * answers is the `remoteAddress` of the request and of the user.
   */
  readonly clientAddress?: (request: IncomingMessage) => string;
  /** Looks at each connection that is accepted, before TLS and before a byte is read. False cuts it off. */
  readonly admitSocket?: (socket: Socket) => boolean;
  /** Looks at each request first, a handshake or (then with its response) a plain one. A refusal is its answer. */
  readonly admitRequest?: (request: IncomingMessage, response?: ServerResponse) => Refusal | null | undefined;
  /**
   * Plain HTTP on the same port: pages, an API. The target of a request is always in origin-form. What it throws, or its
   * promise is rejected with, is answered with 500 and told to `onError`. Of one connection 16 requests at most are
   * answered at a time; the rest waits. Default: 426, with a sentence.
   */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => unknown;
  /** Default: the machine's. */
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
