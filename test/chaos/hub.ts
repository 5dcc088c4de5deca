/** The server that is killed: a hub on an SQLite file. Arguments: path, its ports. Ends when its standard input does. */
import { sqlite } from '../../src/broker/index.ts';
import { ZocaloError } from '../../src/errors.ts';
import { Hub } from '../../src/hub/index.ts';
import { createApi } from '../../src/server/api/index.ts';
import { configSchema } from '../../src/server/config/index.ts';
import { HubServer, LineServer } from '../../src/server/hub/index.ts';
import type { User } from '../../src/websocket/index.ts';

const [path, port, linePort] = process.argv.slice(2);

class Counted extends HubServer {
  override onQueueFull(user: User): 'queue' | 'close' {
    const verdict = super.onQueueFull(user);
    console.log(`slow ${verdict}`);
    return verdict;
  }
}

const hub = new Hub({
  broker: sqlite(path!),
  channels: {
    // Words are objects, also where they come as lines.
    room: { history: { size: 1_000_000 }, presence: true, text: { in: (line) => JSON.parse(line) } },
    short: { history: { size: 20 } },
  },
  connect: ({ token }) => (token === undefined ? {} : { user: token }),
  limits: { requests: 1_000_000, errors: 1_000 },
  linger: 300,
  pingInterval: 500,
  onError: (error) => console.log(`error ${error.message}`),
});

const api = createApi({ hub, keys: { find: () => undefined }, config: configSchema.parse({}) });

async function listen(port: string): Promise<HubServer> {
  const server = new Counted(hub, `ws://127.0.0.1:${port}`, {
    onRequest: api.handle,
    queueLimit: 64 * 1024,
    pingInterval: 1_000,
    pongTimeout: 2_000,
  });
  try {
    await server.listen();
    return server;
  } catch (error) {
    if (isTaken(error, port)) return listen('0');
    throw error;
  }
}

async function listenForLines(port: string): Promise<LineServer> {
  const server = new LineServer(hub, { listen: `tcp://127.0.0.1:${port}`, channel: 'room' });
  try {
    await server.open();
    return server;
  } catch (error) {
    if (isTaken(error, port)) return listenForLines('0');
    throw error;
  }
}

/** While we were dead, another program of this machine may have been given the port. */
function isTaken(error: unknown, port: string): boolean {
  return error instanceof ZocaloError && error.code === 'ADDRESS_IN_USE' && port !== '0';
}

process.stdin.on('end', () => process.exit()).resume();
const portOf = ({ addresses }: { addresses: readonly string[] }) => /\d+$/.exec(addresses[0]!)![0];
const server = await listen(port!);
const lines = await listenForLines(linePort!);
console.log(`listening ${portOf(server)} ${portOf(lines)}`);
