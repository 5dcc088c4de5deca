import { isIP } from 'node:net';

/** `http://host:port` or `https://host:port`, with nothing after it; the port is optional. */
export function isHttpAddress(text: string): boolean {
  return isAddress(text, /^https?:$/);
}

/** A URL that can be called: fetch accepts none with a user or password. */
export function isWebAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && isOne(url);
}

/** `tcp://host:port`. */
export function isLineAddress(text: string): boolean {
  return isAddress(text, /^tcp:$/) && /:\d+$/.test(text);
}

function isAddress(text: string, scheme: RegExp): boolean {
  if (!/^\w+:\/\/[^/?#@]+\/?$/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && scheme.test(url.protocol) && url.hostname !== '' && !url.hostname.includes('*');
}

/** Whether it names one host and port: not a star, and not port 0. */
function isOne({ hostname, port }: URL): boolean {
  return !hostname.includes('*') && port !== '0';
}

/** An IP address, or a network as in `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  return version !== 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}

/** The same address with another host or port. */
export function withHostAndPort(
  address: string,
  { host, port }: { host?: string | undefined; port?: number | undefined },
): string {
  const [, scheme, before, own] = /^(\w+:\/\/)(\[[^\]]*\]|[^:/]*)(?::(\d+))?/.exec(address)!;
  const name = host === undefined ? before : isIP(host) === 6 ? `[${host}]` : host;
  const number = port ?? own;
  return `${scheme}${name}${number === undefined ? '' : `:${number}`}`;
}
