import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Origins } from '../../websocket/index.ts';

/** The answer to a preflight: a browser asks before a page of another origin may send such a request (Fetch, §4.8). */
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, POST',
  'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key',
  'access-control-max-age': '600', // seconds
};

/**
 * Lets pages of these origins read the answer. `*` is safe: unlike cookies, a key is only sent by a page that has it.
 * Returns true when the request was a preflight, which is answered here.
 */
export function allowPages(origins: Origins, { method, headers }: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = headers;
  if (origins.any) response.setHeader('access-control-allow-origin', '*');
  else {
    response.setHeader('vary', 'Origin');
    if (origin !== undefined && origins.allows(origin)) response.setHeader('access-control-allow-origin', origin);
  }
  response.setHeader('access-control-expose-headers', 'Retry-After, WWW-Authenticate');
  if (method !== 'OPTIONS') return false;
  response.writeHead(204, PREFLIGHT).end();
  return true;
}
