/** The server that is killed: a hub on an SQLite file. Arguments: path, port. Ends when its standard input does. */
import { sqlite } from '../../src/broker/index.ts';
import { ZocaloError } from '../../src/errors.ts';
import { Hub } from '../../src/hub/index.ts';
import { HubServer } from '../../src/server/hub/index.ts';
import type { User } from '../../src/websocket/index.ts';

const [path, port] = process.argv.slice(2);

class Counted extends HubServer {
  override onQueueFull(user: User): 'queue' | 'close' {
    const verdict = super.onQueueFull(user);
    console.log(`slow ${verdict}`);
    return verdict;
  }
}

const hub = new Hub({
  broker: sqlite(path!),
  channels: { room: { history: { size: 1_000_000 }, presence: true }, short: { history: { size: 20 } } },
  connect: ({ token }) => (token === undefined ? null : { user: token }),
  limits: { requests: 1_000_000, errors: 1_000 },
  linger: 300,
  pingInterval: 500,
  onError: (error) => console.log(`error ${error.message}`),
});

async function listen(port: string): Promise<HubServer> {
  const server = new Counted(hub, `ws://127.0.0.1:${port}`, {
    queueLimit: 64 * 1024,
    pingInterval: 1_000,
    pongTimeout: 2_000,
  });
  try {
    await server.listen();
    return server;
  } catch (error) {
    // While we were dead, another program of this machine may have been given the port.
    if (error instanceof ZocaloError && error.code === 'ADDRESS_IN_USE' && port !== '0') return listen('0');
    throw error;
  }
}

process.stdin.on('end', () => process.exit()).resume();
console.log(`listening ${new URL((await listen(port!)).addresses[0]!).port}`);
