import type { IncomingMessage } from 'node:http';

/** What a visitor's first request brought: of a WebSocket, of server-sent events, or nothing on a raw line. */
export interface Handshake {
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The client's IP address. */
  readonly address: string;
}

/** Finds the client's address behind proxies. */
export type AddressOf = (request: unknown) => string | undefined;

const NONE: Handshake = { url: '/', headers: {}, address: '' };

/** Takes an `UpgradeRequest`, an `IncomingMessage`, or whatever else a floor of sockets knows, which has nothing. */
export function handshakeOf(request: unknown, addressOf: AddressOf | undefined): Handshake {
  if (typeof request !== 'object' || request === null || !('url' in request) || !('headers' in request)) return NONE;
  const { url, headers, remoteAddress, socket } = request as Partial<IncomingMessage> & { remoteAddress?: string };
  return {
    url: url ?? '/',
    headers: headers as Handshake['headers'],
    address: addressOf?.(request) ?? remoteAddress ?? socket?.remoteAddress ?? '',
  };
}

/** RFC 6750 §2.1. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}

/** The token of a handshake: the header's, or else the query's `token`, for who can set no header. */
export function tokenIn({ url, headers }: Handshake): string | undefined {
  const query = url.indexOf('?');
  // An empty bearer token still counts as a token, never as anonymous.
  const bearer = /^bearer(?: |$)/i.test(headers.authorization ?? '') ? '' : undefined;
  return (
    bearerOf(headers.authorization) ??
    bearer ??
    (query < 0 ? undefined : (new URLSearchParams(url.slice(query)).get('token') ?? undefined))
  );
}
