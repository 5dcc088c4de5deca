/**
 * What the engine allocates per message: `node bench/allocation.ts [echo|fanout]`.
 *
 * The server runs in this process under V8's sampling heap profiler, which also counts what was collected meanwhile;
 * clients in a child process keep 16 messages of 64 bytes in flight. Prints bytes per delivered message, by allocating
 * function.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type HeapProfiler, Session } from 'node:inspector/promises';
import { connect } from 'node:net';
import { type Message, type User, WebSocketServer } from '../src/websocket/index.ts';
import { clientFrame } from './frames.ts';

const CONNECTIONS = 50;
const IN_FLIGHT = 16;
const BYTES = 64;
const SECONDS = 5;

const [mode = 'echo', port] = process.argv.slice(2);
await (port ? load(Number(port)) : profile());

async function profile(): Promise<void> {
  let delivered = 0;
  class Bench extends WebSocketServer {
    override onMessage(user: User, message: Message): void {
      delivered += mode === 'echo' ? 1 : this.users.size;
      if (mode === 'echo') user.send(message);
      else this.broadcast(message);
    }
  }
  const server = new Bench('ws://127.0.0.1:0');
  await server.listen();
  const child = fork(import.meta.filename, [mode, new URL(server.addresses[0]!).port]);
  await once(child, 'message');
  const session = new Session();
  session.connect();
  await new Promise((resolve) => setTimeout(resolve, 1000)); // until the hot path is compiled
  delivered = 0;
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 16_384,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  } as HeapProfiler.StartSamplingParameterType);
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const { profile } = await session.post('HeapProfiler.stopSampling');
  const count = delivered;
  child.kill();
  const bytes = new Map<string, number>();
  const walk = (node: HeapProfiler.SamplingHeapProfileNode): void => {
    const { functionName, url, lineNumber } = node.callFrame;
    const place = `${functionName || '(native)'} ${url.replace(/^.*\/(src|bench)\//, '$1/')}${url && `:${lineNumber + 1}`}`;
    bytes.set(place, (bytes.get(place) ?? 0) + node.selfSize);
    for (const child of node.children) walk(child);
  };
  walk(profile.head);
  const total = [...bytes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`${mode}, ${BYTES} bytes, ${IN_FLIGHT} in flight: ${count} messages, Node ${process.version}`);
  console.log(`${(total / count).toFixed(1).padStart(8)} bytes of JavaScript heap per delivered message, of which`);
  for (const [place, size] of [...bytes].sort((a, b) => b[1] - a[1]).slice(0, 10))
    console.log(`${(size / count).toFixed(1).padStart(8)} ${place}`);
  await server.close({ grace: 100 });
  process.exit();
}

/** Sends one message for each that arrives; in a fan-out only the first client sends. */
async function load(port: number): Promise<void> {
  const messages = Buffer.concat(
    Array.from({ length: IN_FLIGHT }, () => clientFrame(Buffer.alloc(BYTES, 'a'), { text: false })),
  );
  const one = messages.length / IN_FLIGHT;
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.write(
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(socket, 'data');
    let rest = 0;
    const sends = mode === 'echo' || i === 0;
    socket.on('data', (chunk) => {
      if (!sends) return;
      const whole = Math.floor((rest + chunk.length) / (BYTES + 2));
      rest = (rest + chunk.length) % (BYTES + 2);
      for (let left = whole; left > 0; left -= IN_FLIGHT)
        socket.write(messages.subarray(0, Math.min(left, IN_FLIGHT) * one));
    });
    if (sends) socket.write(messages);
  }
  process.send!('ready');
}
