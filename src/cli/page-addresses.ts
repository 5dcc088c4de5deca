import { networkInterfaces } from 'node:os';

const LOOPBACK = ['127.0.0.1', '[::1]'];

/**
 * What to type into a browser for a server's addresses. Both loopback addresses on one port are `localhost`; a server
 * on all addresses is reached at each of the machine's own.
 */
export function pageAddresses(addresses: readonly string[], interfaces = networkInterfaces()): string[] {
  const own = Object.values(interfaces).flatMap((list) => list ?? []);
  const reachable = own.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
  const urls = addresses.map((address) => new URL(address));
  const isBoth = ({ port }: URL) =>
    LOOPBACK.every((host) => urls.some((url) => url.hostname === host && url.port === port));
  const pages = urls.flatMap((url) => {
    const port = url.port === '' ? '' : `:${url.port}`;
    const named = (name: string) => `${url.protocol}//${name}${port}`;
    if (LOOPBACK.includes(url.hostname) && isBoth(url)) return [named('localhost')];
    if (url.hostname === '0.0.0.0' || url.hostname === '[::]') return ['localhost', ...reachable].map(named);
    return [url.origin];
  });
  return [...new Set(pages)];
}
