import type { IncomingMessage } from 'node:http';

/** The first request of a visitor: of a WebSocket or an event stream. Empty for a raw line. */
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

/** Takes an `UpgradeRequest` or an `IncomingMessage`; anything else gives an empty handshake. */
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

/** The token of a handshake: of the header, or else of the query's `token`, for clients that cannot set headers. */
export function tokenIn({ url, headers }: Handshake): string | undefined {
  // An empty bearer token still counts as a token, never as anonymous.
  const bearer = /^bearer(?: |$)/i.test(headers.authorization ?? '') ? '' : undefined;
  const query = new URLSearchParams(/\?.*/s.exec(url)?.[0]);
  return bearerOf(headers.authorization) ?? bearer ?? query.get('token') ?? undefined;
}
