/**
 * The load of a room, in its own process: `node bench/hub/room.ts '<RoomOrder as JSON>'` prints a LoadResult. One
 * connection keeps messages in flight through the server, and each connection in the room gets each of them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { MessageCounter } from '../frames.ts';
import type { LoadResult } from '../load.ts';
import { chunk, fail } from '../sockets.ts';
import { stopwatch } from '../stopwatch.ts';
import { DIALECTS, type DialectName, enterMany, textFrame } from './dialect.ts';
import { firstMessage } from './first-message.ts';

export interface RoomOrder {
  server: DialectName;
  port: number;
  pid: number;
  connections: number;
  /** Bytes of the payload. */
  bytes: number;
  inFlight: number;
  seconds: number;
  warmUp: number;
}

const order: RoomOrder = JSON.parse(process.argv[2]!);
const dialect = DIALECTS[order.server];
const connections = await enterMany(dialect, order.port, 'room', order.connections);
const [sender, pacer] = connections as [(typeof connections)[0], (typeof connections)[0]];
const payload = 'The square is where a town meets. '.repeat(order.bytes).slice(0, order.bytes);
const frame = textFrame(dialect.publish('room', payload));
const batches = Array.from({ length: order.inFlight + 1 }, (_, size) => Buffer.concat(Array(size).fill(frame)));

await firstMessage(sender, connections, frame, payload);

let arrived = 0;
for (const connection of connections) {
  const counter = new MessageCounter();
  const share = connection === sender ? 1 / dialect.framesToPublisher : 1;
  connection.onBytes = (length) => {
    const messages = counter.count(chunk, length);
    arrived += messages * share;
    if (connection !== pacer) return;
    for (let left = messages; left > 0; left -= order.inFlight)
      sender.socket.write(batches[Math.min(left, order.inFlight)]!);
  };
}
sender.socket.write(batches[order.inFlight]!);
await pause(order.warmUp * 1e3);
const before = arrived;
const watch = stopwatch(order.pid);
await pause(order.seconds * 1e3);
const { wall, server, load } = watch();
const messages = arrived - before;
if (messages <= 0) fail('no message arrived within the window');
const result: LoadResult = {
  value: (server * 1e6) / messages,
  rate: messages / wall,
  serverBusy: server / wall,
  loadBusy: load / wall,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
