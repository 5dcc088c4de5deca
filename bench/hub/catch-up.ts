/**
 * One reader that catches up, in its own process: `node bench/hub/catch-up.ts '<CatchUpOrder as JSON>'` prints how many
 * publications per second it got from the log, over a WebSocket. It uses the credit that the protocol allows, and
 * renews it in halves, like the SDK. Afterwards it checks that it got all of them, in order.
 */
import { parseFrame } from '../frames.ts';
import { chunk, fail, open } from '../sockets.ts';
import { textFrame } from './dialect.ts';

export interface CatchUpOrder {
  port: number;
  /** Publications in the log. */
  total: number;
  payload: number;
}

const CREDIT = 10_000;
const order: CatchUpOrder = JSON.parse(process.argv[2]!);
const { connection } = await open(order.port, { headers: 'Sec-WebSocket-Protocol: zocalo.1\r\n' });
const say = (...line: unknown[]) => connection.socket.write(textFrame(JSON.stringify(line)));

/** Sends a request; resolves with its answer. */
function ask(...line: unknown[]): Promise<unknown[]> {
  say(...line);
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    connection.onBytes = (length) => {
      bytes = Buffer.concat([bytes, chunk.subarray(0, length)]);
      const frame = parseFrame(bytes);
      if (frame) resolve(JSON.parse(frame.payload.toString()));
    };
  });
}

await ask('hi', 1, {});
const answer = (await ask('get', 2, 'history', 'log', { limit: 1 })) as [string, number, { epoch: string }];
if (answer[0] !== 'ok') fail(JSON.stringify(answer));

const all = Buffer.allocUnsafe(order.total * (order.payload + 100));
let used = 0;
let received = 0;
let credited = CREDIT;
/** The channel's number, from the answer to `sub`. */
let ch = 0;
const started = performance.now();
await new Promise<void>((resolve) => {
  let seen = 0;
  const marker = (from: number) => all.subarray(0, used).indexOf('["m",', from, 'latin1');
  connection.onBytes = (length) => {
    chunk.copy(all, used, 0, length);
    used += length;
    ch ||= Number(/"ch":(\d+)/.exec(all.toString('latin1', 0, Math.min(used, 200)))?.[1] ?? 0);
    for (let at = marker(seen); at >= 0; at = marker(seen)) {
      received++;
      seen = at + 5;
    }
    seen = Math.max(seen, used - 4);
    if (credited - received < CREDIT / 2) {
      const more = CREDIT - (credited - received);
      credited += more;
      say('more', ch, more);
    }
    if (received >= order.total && all.subarray(Math.max(0, used - 100), used).includes('["live",')) resolve();
  };
  say('sub', 3, 'log', { at: [answer[2].epoch, 0], credit: CREDIT });
});
const seconds = (performance.now() - started) / 1e3;

let offset = 0;
for (let rest = all.subarray(0, used), frame = parseFrame(rest); frame; frame = parseFrame(rest)) {
  rest = rest.subarray(frame.length);
  for (const line of frame.payload.toString().split('\n')) {
    const [verb, , at, data] = JSON.parse(line);
    if (verb !== 'm') continue;
    if (at !== ++offset || data.length !== order.payload) fail(`expected publication ${offset}, got ${line}`);
  }
}
if (offset !== order.total) fail(`${offset} of ${order.total} publications came`);
process.stdout.write(`${JSON.stringify(order.total / seconds)}\n`, () => process.exit());
