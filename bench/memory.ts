/**
 * What idle clients of the protocol cost the server: each has sent hi and is subscribed to one channel.
 *
 *   npm run build && npx node bench/memory.ts [clients] [Node flags of the server …]
 *
 * Linux only: it reads VmRSS of /proc. The server is the built package's, in a process of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';

const clients = Number(process.argv[2] ?? 10_000);
const flags = process.argv.slice(3);
const room = (name: string) => pathToFileURL(`dist/src/${name}/index.js`).href;

const program = `
  import { memory } from '${room('broker')}';
  import { Hub } from '${room('hub')}';
  import { serve } from '${room('server/transports/websocket')}';
  const hub = new Hub({ broker: memory() });
  const server = await serve(hub, 'ws://127.0.0.1:0');
  console.log(server.addresses[0]);
  process.stdin.on('end', () => process.exit()).resume();
`;
const server = spawn(process.execPath, [...flags, '--input-type=module', '-e', program], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const [line] = (await once(server.stdout, 'data')) as [Buffer];
const port = Number(new URL(String(line).trim()).port);
const before = rss();

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const HANDSHAKE = [
  'GET / HTTP/1.1',
  'Host: 127.0.0.1',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Protocol: zocalo.1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept-Language: es-MX,es;q=0.9,en;q=0.8',
].join('\r\n');
const sockets: Socket[] = [];
for (let n = 0; n < clients; n += 100) await Promise.all(Array.from({ length: 100 }, join));
// The garbage collector runs at its own times, so idle clients are measured later.
await new Promise((resolve) => setTimeout(resolve, 5_000));
const after = rss();
console.log(`${flags.join(' ') || 'no flags'}: ${before} MB idle, ${after} MB with ${sockets.length} clients,`);
console.log(`${(((after - before) * 1024 * 1024) / sockets.length).toFixed(0)} bytes for each`);
server.stdin.end();
for (const socket of sockets) socket.destroy();

/** Resolves when the answer to the subscription has come. */
function join(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', reject);
    let text = '';
    socket.on('data', (bytes) => {
      if (text === undefined) return;
      if (text === '') socket.write(Buffer.concat([frame('["hi",1,{}]'), frame('["sub",2,"news",{}]')]));
      text += bytes.toString('latin1');
      if (text.includes('["ok",2,')) resolve();
    });
    socket.write(`${HANDSHAKE}\r\n\r\n`);
  });
}

/** A short text, masked with zeros. */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** MB. */
function rss(): number {
  const [, kibibytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))!;
  return Math.round(Number(kibibytes) / 1024);
}
