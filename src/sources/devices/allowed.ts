import { BlockList, isIP } from 'node:net';
import { ZocaloError } from '../../errors.ts';

/**
 * A list of addresses and networks: `192.0.2.4`, `192.0.2.0/24`, `2001:db8::/32`. Without a list, all are on it.
 * @throws ZocaloError BAD_OPTION for what is neither.
 */
export function addressList(addresses: readonly string[] | undefined): (host: string) => boolean {
  if (addresses === undefined) return () => true;
  const list = new BlockList();
  for (const entry of addresses) {
    const [address = '', prefix] = entry.split('/');
    const family = isIP(address);
    const bits = family === 6 ? 128 : 32;
    const length = prefix === undefined ? bits : Number(prefix);
    if (family === 0 || !/^\d*$/.test(prefix ?? '') || prefix === '' || length > bits)
      throw new ZocaloError('BAD_OPTION', `${JSON.stringify(entry)} is not an address or a network`, {
        advice: 'write 192.0.2.4 or 192.0.2.0/24',
      });
    list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
  }
  // A Unix socket has no address; its file's permissions decide. A zone (fe80::1%eth0) is of this machine only.
  return (host) => {
    const [address = ''] = host.split('%');
    return isIP(address) === 0 || list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  };
}
