/**
 * A hub on WebSockets with its defaults, except for the limit of requests: a load sends more than any client may.
 * `PORT=9000 BROKER=memory|a-file.db|redis://… FILL=0 node bench/servers/hub.ts`; FILL publications are in `log` beforehand.
 */
import { Hub, memory, redis, serve, sqlite } from '../../src/index.ts';

const { PORT = '9000', BROKER = 'memory', FILL = '0' } = process.env;
const PAYLOAD = 'x'.repeat(64);

const hub = new Hub({
  broker: BROKER === 'memory' ? memory() : BROKER.startsWith('redis:') ? redis(BROKER) : sqlite(BROKER),
  channels: { '*': {}, log: { history: { size: Number(FILL) } }, wide: { history: { size: 100_000 } } },
  limits: { requests: 1e9 },
  // A load counts frames, and a ping is one.
  pingInterval: 3_600_000,
});
for (let left = Number(FILL); left > 0; left -= 1_000)
  await Promise.all(Array.from({ length: Math.min(left, 1_000) }, () => hub.publish('log', PAYLOAD)));
// A load does not answer WebSocket pings either, and some readers of a stampede do not read.
const server = await serve(hub, `ws://127.0.0.1:${PORT}`, { pingInterval: 3_600_000 });
console.log(`ready ${server.addresses[0]}`);
