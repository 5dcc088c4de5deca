import { isIP, SocketAddress } from 'node:net';

/** An IP address in its shortest form; IPv4 written in IPv6 becomes IPv4. Undefined when it is not an IP address. */
export function normalAddress(text: string): string | undefined {
  const [address = ''] = text.split('%'); // without the zone of fe80::1%eth0, which has a meaning on this machine only
  const version = isIP(address);
  if (version === 0) return undefined;
  if (version === 4) return address;
  const shortest = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(shortest)?.[1] ?? shortest;
}

/** The smallest network that one customer has: for IPv6 a /64 (RFC 6177), for IPv4 the address itself. */
export function neighbourhood(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  // The `::` of `a::b` stands for zeros. An IPv4 address at the end stands for two groups, but never in the first four.
  const groups =
    tail === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill('0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
