import type { IncomingMessage } from 'node:http';

/** Scheme, authority without user information, path and query. */
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#@]+)((?:[/?][^#]*)?)$/i;

/** The path and query of a request target, whether in origin-form or in absolute-form. */
export function pathOf(target: string): string {
  const rest = ABSOLUTE.exec(target)?.[2];
  if (rest === undefined) return target;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * Converts a request target from absolute-form to origin-form; the target's host then replaces the `Host` header (RFC
 * 9112 §3.2.2). False for a target that an origin server cannot answer.
 */
export function toOriginForm(request: IncomingMessage): boolean {
  const { url = '', headers, rawHeaders } = request;
  if (url.startsWith('/') || (url === '*' && request.method === 'OPTIONS')) return true;
  const authority = ABSOLUTE.exec(url)?.[1];
  if (authority === undefined) return false;
  request.url = pathOf(url);
  headers.host = authority;
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (at >= 0) rawHeaders[at + 1] = authority;
  else rawHeaders.push('Host', authority);
  return true;
}
