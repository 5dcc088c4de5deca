/**
 * The memory of a server's idle connections: `node bench/sources/idle.ts '<IdleOrder as JSON>'` prints the bytes that
 * each adds, as JSON.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { residentBytes } from '../account.ts';
import { DIALECTS, enterMany } from '../hub/dialect.ts';
import { Connection } from '../sockets.ts';

export interface IdleOrder {
  /** Devices that have sent one line each, or clients of the protocol that have subscribed to one channel. */
  readonly kind: 'devices' | 'websockets';
  readonly port: number;
  /** The server's process. */
  readonly pid: number;
  readonly connections: number;
}

/** Milliseconds: long enough for a runtime to collect the garbage of the beginnings. */
const SETTLE = 5_000;

const { kind, port, pid, connections } = JSON.parse(process.argv[2]!) as IdleOrder;
await pause(SETTLE);
const before = residentBytes(pid);
if (kind === 'devices') await devices();
else await enterMany(DIALECTS.zocalo, port, 'room', connections);
await pause(SETTLE);
const each = (residentBytes(pid) - before) / connections;
process.stdout.write(`${JSON.stringify(each)}\n`, () => process.exit());

/** Each is answered when its first reading is stored, and says nothing more. */
async function devices(): Promise<void> {
  for (let at = 0; at < connections; at += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, connections - at) }, (_, more) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const connection = new Connection(port);
        connection.onBytes = () => resolve();
        connection.socket.write(`d${at + more} 1\n`);
        return promise;
      }),
    );
}
