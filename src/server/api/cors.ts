import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Origins } from '../../websocket/index.ts';

/** Asked by a browser before a page of another origin may send what is not simple (Fetch, §4.8). */
const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, POST',
  'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key',
  'access-control-max-age': '600', // seconds
};

/**
 * Lets pages of these origins read the answer: any page where all are allowed, since keys are never sent by themselves
 * as cookies are. Answers a preflight, and says so.
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
