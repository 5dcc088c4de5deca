import type { Server as HttpServer, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ServerOptions as TlsServerOptions } from 'node:https';
import { nodeHttp, nodeHttps } from '../builtins.ts';
import { ZocaloError } from '../errors.ts';
import { guard } from '../thenable.ts';
import { inPipelines } from './pipeline.ts';
import { toOriginForm } from './request-target.ts';
import type { ServerOptions } from './server-options.ts';

type HttpOptions = Pick<ServerOptions, 'tls' | 'onRequest' | 'admitSocket'> &
  Record<'handshakeTimeout' | 'requestTimeout' | 'keepAliveTimeout', number>;

interface Rules {
  /** Answers a plain request that must not be served, and returns whether it did. */
  refuse(request: IncomingMessage, response: ServerResponse): boolean;
  /** Called with what `onRequest` throws, or its promise is rejected with. */
  failed(cause: unknown): void;
}

/** The HTTP server of a WebSocketServer. @throws ZocaloError BAD_CERTIFICATE. */
export function createHttpServer(
  secure: boolean,
  { handshakeTimeout, requestTimeout, keepAliveTimeout, tls, admitSocket, onRequest = upgradeRequired }: HttpOptions,
  { refuse, failed }: Rules,
): HttpServer {
  const options = {
    headersTimeout: handshakeTimeout,
    // Node requires the time for a whole request to be at least the time for its head.
    requestTimeout: requestTimeout > 0 ? Math.max(requestTimeout, handshakeTimeout) : 0,
    keepAliveTimeout,
    connectionsCheckingInterval: Math.max(100, Math.floor(handshakeTimeout / 10)),
  };
  const listener = inPipelines((request, response) => {
    if (!toOriginForm(request)) {
      answer(response, 400, 'The request target has no path');
      return;
    }
    if (refuse(request, response)) return;
    guard(
      () => onRequest(request, response),
      (cause) => {
        failed(cause);
        if (response.headersSent) response.destroy();
        else answer(response, 500, 'The server failed');
      },
    );
  });
  const server = secure
    ? createSecureServer({ ...options, handshakeTimeout }, tls, listener)
    : nodeHttp().createServer(options, listener);
  if (admitSocket)
    server.on('connection', (socket) => {
      if (!admitSocket(socket)) socket.destroy();
    });
  return server;
}

/** The TLS handshake has the same limit, so that a silent peer on a wss:// port is not kept longer. */
function createSecureServer(
  options: TlsServerOptions,
  tls: ServerOptions['tls'],
  listener: RequestListener,
): HttpServer {
  if (!tls?.cert || !tls.key) throw new ZocaloError('BAD_CERTIFICATE', 'wss:// needs a certificate and its key');
  try {
    return nodeHttps().createServer({ ...options, ...tls }, listener);
  } catch (cause) {
    throw new ZocaloError('BAD_CERTIFICATE', (cause as Error).message, { cause });
  }
}

function answer(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { Connection: 'close', 'Content-Type': 'text/plain; charset=utf-8' }).end(`${sentence}\n`);
}

function upgradeRequired(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { Upgrade: 'websocket', Connection: 'Upgrade', 'Content-Type': 'text/plain' });
  response.end('This is a WebSocket server: connect to it with a WebSocket client\n');
}
