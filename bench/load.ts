/**
 * The load, a process of its own: `node load.ts '<LoadOrder as JSON>'` prints a LoadResult as JSON.
 *
 * It must be light, or it is itself the bottleneck: frames are made beforehand, all sockets read into one buffer, and
 * where the length of the answers is known their bytes are only counted. Correctness is checked before, with one
 * message that every connection must get unchanged.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { deflateRawSync, inflateRawSync, constants as zlib } from 'node:zlib';
import { residentBytes } from './account.ts';
import { clientFrame, headerBytes, MessageCounter, parseFrame } from './frames.ts';
import { type Connection, chunk, fail, type Opened, open } from './sockets.ts';
import { stopwatch } from './stopwatch.ts';
import type { Workload } from './workloads.ts';

export interface LoadOrder extends Workload {
  port: number;
  /** The server's process, whose CPU time is read. */
  pid: number;
  /** Length of the measured window, and of the warm-up. */
  seconds: number;
  warmUp: number;
  /** Connections that are set up at a time. Default 64. */
  opening?: number;
  /** Further connections that only exist. */
  silent?: number;
  /** Further connections that read nothing of what they are sent. */
  stuck?: number;
}

export interface LoadResult {
  /** In the unit of the workload's measure. */
  value: number;
  /** Delivered messages, or connections, per second of wall clock; absent for memory. */
  rate?: number;
  /** Share of one core that the server and the load used in the window. */
  serverBusy: number;
  loadBusy: number;
}

const OPENING = 64;
/** Milliseconds for all connections of an order to open. */
const OPEN_WITHIN = 60_000;

async function openMany(order: LoadOrder, count: number): Promise<{ connections: Connection[]; extensions: string }> {
  const connections: Connection[] = [];
  let extensions = '';
  let next = 0;
  const late = setTimeout(() => fail(`${connections.length} of ${count} connections were opened`), OPEN_WITHIN);
  const worker = async () => {
    while (next++ < count) {
      const opened: Opened = await open(order.port, {
        headers: order.compressed ? 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n' : '',
      });
      if (opened.rest.length > 0) fail('the server speaks first, which this load does not expect');
      connections.push(opened.connection);
      extensions = opened.extensions;
    }
  };
  await Promise.all(Array.from({ length: Math.min(order.opening ?? OPENING, count) }, worker));
  clearTimeout(late);
  return { connections, extensions };
}

async function closeAll(connections: Connection[]): Promise<void> {
  await Promise.all(
    connections.map(({ socket }) => {
      socket.removeAllListeners('end');
      socket.destroy();
      return new Promise((closed) => socket.once('close', closed));
    }),
  );
}

/** The messages and their frames; several, so that no server can cache the result of one. */
function prepare(order: LoadOrder, extensions: string): { payloads: Buffer[]; frames: Buffer[] } {
  const payloads = Array.from({ length: order.compressed ? 64 : 1 }, (_, index) =>
    order.compressed ? jsonText(order.bytes, index) : Buffer.alloc(order.bytes, 'The square is where a town meets. '),
  );
  const windowBits = Number(/client_max_window_bits=(\d+)/.exec(extensions)?.[1] ?? 15);
  const frames = payloads.map((payload) =>
    clientFrame(order.compressed ? deflate(payload, windowBits) : payload, {
      text: order.text,
      compressed: order.compressed,
    }),
  );
  return { payloads, frames };
}

/** RFC 7692 §7.2.1: raw deflate up to a sync flush, without that flush's four bytes. */
function deflate(payload: Buffer, windowBits: number): Buffer {
  const flushed = deflateRawSync(payload, { windowBits, finishFlush: zlib.Z_SYNC_FLUSH });
  return flushed.subarray(0, flushed.length - 4);
}

function inflate(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: zlib.Z_SYNC_FLUSH });
}

/** A text of exactly `bytes` bytes, like a dashboard's: many similar records with different values. */
function jsonText(bytes: number, seed: number): Buffer {
  let state = seed + 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const records: object[] = [];
  const text = (filler: string) => JSON.stringify({ channel: 'plaza:42', records, filler });
  for (;;) {
    records.push({
      id: random(1e9),
      device: `sensor-${random(500)}`,
      temperature: random(4000) / 100,
      humidity: random(100),
      online: random(2) === 1,
    });
    if (text('').length > bytes) break;
  }
  records.pop();
  return Buffer.from(text('.'.repeat(bytes - text('').length)));
}

/** One message from each connection (echo) or from the first (fan-out): each must get it complete and unchanged. */
async function checkDelivery(order: LoadOrder, connections: Connection[], payload: Buffer, frame: Buffer) {
  const arrivals = connections.map(
    (connection) =>
      new Promise<void>((resolve) => {
        let bytes = Buffer.alloc(0);
        connection.onBytes = (length) => {
          bytes = Buffer.concat([bytes, chunk.subarray(0, length)]);
          const got = parseFrame(bytes);
          if (!got) return;
          if (order.compressed && !got.compressed) fail('the server sends this message uncompressed');
          const message = got.compressed ? inflate(got.payload) : got.payload;
          if (!got.final || got.text !== order.text || !message.equals(payload)) fail('the server altered the message');
          resolve();
        };
      }),
  );
  for (const connection of order.mode === 'echo' ? connections : [connections[0]!]) connection.socket.write(frame);
  const late = setTimeout(() => fail('not every connection got the first message within 20 s'), 20_000);
  await Promise.all(arrivals);
  clearTimeout(late);
}

/** Starts the messages; each arrival sends the next. Returns a function that tells how many have arrived. */
function startMessages(order: LoadOrder, connections: Connection[], frames: Buffer[]): () => number {
  // Batches of 1, 2, … frames, so that what is due is sent in one write.
  const batches = Array.from({ length: order.inFlight + 1 }, (_, size) =>
    Buffer.concat(Array.from({ length: size }, (_, index) => frames[index % frames.length]!)),
  );
  const frameLength = headerBytes(order.bytes) + order.bytes;
  let arrived = 0;
  let bytes = 0;
  let turn = 0;
  const send = (connection: Connection, count: number) => {
    if (order.compressed) while (count-- > 0) connection.socket.write(frames[turn++ % frames.length]!);
    else for (; count > 0; count -= order.inFlight) connection.socket.write(batches[Math.min(count, order.inFlight)]!);
  };
  connections.forEach((connection, index) => {
    // A fan-out continues when the second connection got the message that the first one sent.
    const sender = order.mode === 'echo' ? connection : index === 1 ? connections[0] : undefined;
    if (order.compressed) {
      const counter = new MessageCounter();
      connection.onBytes = (length) => {
        const messages = counter.count(chunk, length);
        arrived += messages;
        if (sender) send(sender, messages);
      };
    } else if (sender) {
      connection.onBytes = (length) => {
        bytes += length;
        connection.partial += length;
        if (connection.partial < frameLength) return;
        const messages = Math.floor(connection.partial / frameLength);
        connection.partial -= messages * frameLength;
        send(sender, messages);
      };
    } else {
      connection.onBytes = (length) => {
        bytes += length;
      };
    }
  });
  for (const connection of order.mode === 'echo' ? connections : [connections[0]!]) send(connection, order.inFlight);
  return () => (order.compressed ? arrived : bytes / frameLength);
}

async function measureMessages(order: LoadOrder): Promise<LoadResult> {
  await openMany(order, order.silent ?? 0);
  for (const { socket } of (await openMany(order, order.stuck ?? 0)).connections)
    socket
      .pause()
      .removeAllListeners('error')
      .on('error', () => {}); // a server may close it
  const { connections, extensions } = await openMany(order, order.connections);
  if (order.compressed && !extensions.includes('permessage-deflate')) fail('the server did not negotiate compression');
  const { payloads, frames } = prepare(order, extensions);
  await checkDelivery(order, connections, payloads[0]!, frames[0]!);
  const count = startMessages(order, connections, frames);
  await pause(order.warmUp * 1e3);
  const before = count();
  const watch = stopwatch(order.pid);
  await pause(order.seconds * 1e3);
  const { wall, server, load } = watch();
  const messages = count() - before;
  if (messages <= 0) fail('no message arrived within the window');
  return {
    value: (server * 1e6) / messages,
    rate: messages / wall,
    serverBusy: server / wall,
    loadBusy: load / wall,
  };
}

/** Long enough for a runtime to collect the garbage of the handshakes. */
const SETTLE = 2000;

async function measureMemory(order: LoadOrder): Promise<LoadResult> {
  await pause(SETTLE);
  const before = residentBytes(order.pid);
  const watch = stopwatch(order.pid);
  await openMany(order, order.connections);
  const { wall, server, load } = watch();
  await pause(SETTLE);
  const grown = residentBytes(order.pid) - before;
  return { value: grown / 1024 / order.connections, serverBusy: server / wall, loadBusy: load / wall };
}

async function measureConnections(order: LoadOrder): Promise<LoadResult> {
  const warm = await openMany(order, order.connections / 4);
  await closeAll(warm.connections);
  await pause(500);
  const watch = stopwatch(order.pid);
  await openMany(order, order.connections);
  const { wall, load } = watch();
  await pause(200); // what the server does after its last answer belongs to the account, but not to the wall clock
  const { server } = watch();
  return {
    value: order.connections / server,
    rate: order.connections / wall,
    serverBusy: server / wall,
    loadBusy: load / wall,
  };
}

const measures = { messages: measureMessages, memory: measureMemory, connections: measureConnections };
const order: LoadOrder = JSON.parse(process.argv[2]!);
const result = await measures[order.measure](order);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
