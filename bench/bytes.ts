/**
 * Bytes as data, in two forms: a binary frame of its own, or base64 in the JSON of an ordinary line. For each delivery:
 * the CPU of the server's thread, the bytes on the wire, and the CPU of a reader in JavaScript.
 *
 *   node bench/bytes.ts
 */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { deflateRawSync } from 'node:zlib';
import { WebSocketServer } from '../src/websocket/index.ts';

const READERS = 50;
/** Bytes that are published in each round. */
const VOLUME = 8 << 20;
const ROUNDS = 5;

/** Sockets that read and throw away, on a thread of their own. */
const READER = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { connect } = require('node:net');
  let left = workerData.readers;
  let read = 0;
  let due = Infinity;
  const look = () => { if (read >= due) { due = Infinity; parentPort.postMessage('read'); } };
  parentPort.on('message', (all) => { due = all; look(); });
  for (let n = 0; n < workerData.readers; n++) {
    const socket = connect(workerData.port, '127.0.0.1', () => socket.write(
      'GET / HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n\\r\\n'));
    let isOpen = false;
    socket.on('data', (chunk) => {
      if (isOpen) { read += chunk.length; look(); }
      else if (chunk.includes('\\r\\n\\r\\n')) { isOpen = true; if (--left === 0) parentPort.postMessage('open'); }
    });
  }`;

const server = new WebSocketServer('ws://127.0.0.1:0', { compression: false, queueLimit: 1 << 30 });
server.onConnect = (user) => user.subscribe('news');
await server.listen();
const port = Number(new URL(server.addresses[0]!).port);
const worker = new Worker(READER, { eval: true, workerData: { port, readers: READERS } });
const said = () => new Promise((resolve) => worker.once('message', resolve));
await said();

const HEADER = '["m",7,123456,';
const META = '{"user":"natalia","time":1767225600000}]';

/** As a browser does it that has no `Uint8Array.fromBase64`. */
function bytesOf(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

const FORMS = {
  'a binary frame': {
    encode: (bytes: Buffer) => Buffer.concat([Buffer.from(`${HEADER}null,${META}\n`), bytes]),
    publish: (message: Buffer | string) => server.publish('news', message as Buffer),
    read: (frame: Buffer) => {
      const end = frame.indexOf(10);
      JSON.parse(frame.toString('utf8', 0, end));
      return new Uint8Array(frame.subarray(end + 1));
    },
  },
  'base64 in a line': {
    encode: (bytes: Buffer) => Buffer.from(`${HEADER}{"$bytes":"${bytes.toString('base64')}"},${META}`),
    publish: (message: Buffer | string) => server.publish('news', message.toString()),
    read: (frame: Buffer) => {
      const [, , , { $bytes }] = JSON.parse(frame.toString());
      return bytesOf($bytes);
    },
  },
};

/** Bytes of the head of a server's frame (RFC 6455 §5.2). */
const headOf = (length: number) => (length < 126 ? 2 : length < 65_536 ? 4 : 10);
const microseconds = ({ user, system }: NodeJS.CpuUsage) => user + system;
// Node 23.9 and newer; the types are older.
const { threadCpuUsage } = createRequire(import.meta.url)('node:process') as {
  threadCpuUsage(since?: NodeJS.CpuUsage): NodeJS.CpuUsage;
};

/** Bytes that all readers get, in all rounds. */
let sent = 0;
for (const size of [1_024, 65_536])
  for (const [name, { encode, publish, read }] of Object.entries(FORMS)) {
    const bytes = randomBytes(size);
    const frame = encode(bytes);
    const count = Math.ceil(VOLUME / READERS / size) * 4;
    const server: number[] = [];
    const reader: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      sent += count * READERS * (frame.length + headOf(frame.length));
      worker.postMessage(sent);
      const done = said();
      const begun = threadCpuUsage();
      for (let n = 0; n < count; n++) {
        publish(encode(bytes));
        await new Promise(setImmediate);
      }
      await done;
      server.push(microseconds(threadCpuUsage(begun)) / count / READERS);
      const since = threadCpuUsage();
      for (let n = 0; n < count; n++) read(frame);
      reader.push(microseconds(threadCpuUsage(since)) / count);
    }
    const median = (all: number[]) => all.toSorted((a, b) => a - b)[ROUNDS >> 1]!.toFixed(1);
    const compressed = deflateRawSync(frame, { level: 6 }).length;
    console.log(
      `${size} bytes, ${name}: server ${median(server)} µs, reader ${median(reader)} µs, ` +
        `${frame.length} bytes, compressed ${compressed}`,
    );
  }
await worker.terminate();
await server.close({ grace: 0 });
