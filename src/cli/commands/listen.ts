import type { Command } from 'commander';
import { listen, type StreamServer, type StreamSocket } from '../../stream/index.ts';
import { Input, note, noteError, print } from '../terminal.ts';
import { readTlsFiles, type TlsFiles } from '../tls-files.ts';
import { waitOption } from './options.ts';

const EXAMPLES = `
Without --echo, it prints what arrives, and sends standard input to all clients, at the pace of the slowest. Standard
input is read once a client is connected; when it ends after some input, our side of their connections ends.
localhost is 127.0.0.1 and ::1; port 0 is any free one; Ctrl-C ends it.

Examples:
  zocalo listen tcp://127.0.0.1:1337 --echo      every byte back, to many at a time
  zocalo listen tcp://localhost:0                a free port, printed on standard error
  zocalo listen udp://0.0.0.0:5140 > log.txt     keep what devices send
  zocalo listen unix:///tmp/zocalo.sock
  zocalo listen tls://0.0.0.0:1338 --cert cert.pem --key key.pem --echo`;

interface Options extends TlsFiles {
  echo?: boolean;
  wait: number;
}

export function addListen(program: Command): void {
  program
    .command('listen')
    .description('listen on an address: echo, or print what arrives and send what is typed')
    .argument('<url>', 'tcp://host:port, tls://host:port, udp://host:port, unix:///path')
    .option('-e, --echo', 'send every byte back')
    .option('--cert <file>', 'for tls: the certificate, PEM')
    .option('--key <file>', 'for tls: its private key, PEM')
    .option('--ca <file>', 'for tls: require a client certificate of this authority, PEM')
    .addOption(waitOption('after a client has ended: how long standard input may be silent before we end too'))
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(url: string, options: Options): Promise<void> {
  const server = await listen(url, readTlsFiles(options));
  const stop = () => server.close({ grace: 0 });
  process.once('SIGINT', stop).once('SIGTERM', stop);
  for (const address of server.addresses) note(`listening on ${address}`);
  if (options.echo) for await (const socket of server) socket.pipe(socket);
  else await converse(server, url.startsWith('udp:') ? 'lines' : 'chunks', options.wait);
  await stop();
}

/** Prints what all clients send, and sends standard input to all of them. */
async function converse(server: StreamServer, unit: 'chunks' | 'lines', wait: number): Promise<void> {
  const sockets = new Set<StreamSocket>();
  const input = new Input();
  let speaking = false;
  for await (const socket of server) {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (!speaking) speak(input, unit, sockets).catch(noteError);
    speaking = true;
    hear(socket, input, wait).catch(noteError);
  }
}

async function speak(input: Input, unit: 'chunks' | 'lines', sockets: Set<StreamSocket>): Promise<void> {
  let said = false;
  for await (const bytes of input.read(unit)) {
    said = true;
    const writable = [...sockets].filter((socket) => socket.writable);
    await Promise.all(writable.map((socket) => new Promise((done) => socket.write(bytes, done))));
  }
  if (said) for (const socket of sockets) socket.end();
}

async function hear(socket: StreamSocket, input: Input, wait: number): Promise<void> {
  for await (const bytes of socket) await print(bytes);
  await input.settled(wait);
  socket.end();
}
