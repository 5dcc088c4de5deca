/**
 * Calls of WebSocket clients to a daemon, from its own process: `node bench/handlers/daemon-calls.ts '<DaemonOrder as
 * JSON>'` prints a CallResult.
 */
import { cpuSeconds, ownCpuSeconds } from '../account.ts';
import { parseFrame } from '../frames.ts';
import { DIALECTS, enterMany, textFrame } from '../hub/dialect.ts';
import { chunk, fail } from '../sockets.ts';
import { type CallOrder, DATA, measureCalls } from './calls.ts';

export interface DaemonOrder extends CallOrder {
  port: number;
  /** The daemon's process. */
  pid: number;
  /** The process that has started those that answer, where that is not the daemon. */
  programs?: number;
}

const order: DaemonOrder = JSON.parse(process.argv[2]!);
const { pid } = order;
const connections = await enterMany(DIALECTS.zocalo, order.port, 'bench', order.callers);
const frame = textFrame(`["call",9,"order.place",${DATA}]`);
const expected = `["ok",9,${DATA}]`;
const callers = connections.map((connection) => {
  let bytes: Buffer = Buffer.alloc(0);
  let resolve = () => {};
  connection.onBytes = (length) => {
    const whole = bytes.length === 0 ? chunk.subarray(0, length) : Buffer.concat([bytes, chunk.subarray(0, length)]);
    const got = parseFrame(whole);
    if (!got) {
      bytes = Buffer.from(whole);
      return;
    }
    bytes = Buffer.from(whole.subarray(got.length));
    if (got.payload.toString() !== expected) fail(`a call was answered with ${got.payload}`);
    resolve();
  };
  return () =>
    new Promise<void>((done) => {
      resolve = done;
      connection.socket.write(frame);
    });
});

const result = await measureCalls(
  order,
  (caller) => callers[caller]!(),
  () => {
    const used = () => {
      const zocalo = ownCpuSeconds(pid);
      return { zocalo, programs: order.programs ? cpuSeconds(order.programs) : cpuSeconds(pid) - zocalo };
    };
    const before = used();
    return () => {
      const now = used();
      return { zocalo: now.zocalo - before.zocalo, programs: now.programs - before.programs };
    };
  },
);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
