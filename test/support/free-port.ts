import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** A port of 127.0.0.1 that was free just now, for a program that has to find it again after a restart. */
export async function freePort(): Promise<number> {
  return (await tryPort(0)) ?? freePort();
}

/** The same, of ports that no outgoing connection gets: for a program that starts and ends several times. */
export async function quietPort(): Promise<number> {
  return (await tryPort(11_000 + Math.floor(Math.random() * 21_000))) ?? quietPort();
}

async function tryPort(wanted: number): Promise<number | undefined> {
  const server = net.createServer();
  const listening = once(server, 'listening');
  server.listen(wanted, '127.0.0.1');
  try {
    await listening;
  } catch {
    return undefined; // taken
  }
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
