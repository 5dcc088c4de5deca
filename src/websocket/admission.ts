import type { Headers, Refusal } from './core/handshake.ts';
import type { ServerOptions } from './server-options.ts';

/** Why the handshake's `Host` or `Origin` keeps it out; null when nothing does. */
export function checkPlace(headers: Headers, options: Pick<ServerOptions, 'hosts' | 'origins'>): Refusal | null {
  const { hosts = '*', origins = 'same' } = options;
  const host = String(headers.host ?? '');
  if (hosts !== '*' && !hosts.includes(hostname(host)))
    return { status: 421, reason: `This server is not ${host}; its option hosts does not name it` };
  const { origin } = headers;
  if (typeof origin !== 'string' || origins === '*') return null;
  const allowed = origins === 'same' ? isSamePlace(origin, host) : origins.includes(origin);
  return allowed
    ? null
    : { status: 403, reason: `Pages of ${origin} may not connect; the option origins does not allow it` };
}

function isSamePlace(origin: string, host: string): boolean {
  const from = URL.parse(origin)?.host;
  if (from === undefined) return false;
  return from === host.toLowerCase() || (isLoopback(hostname(from)) && isLoopback(hostname(host)));
}

function hostname(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
}
