import { type Command, Option } from 'commander';
import { systemClock } from '../../clock.ts';
import { listen, type StreamServer, type StreamSocket } from '../../stream/index.ts';
import type { Hearer } from '../devices/index.ts';
import { Input, note, noteError, print } from '../terminal.ts';
import { readTlsFiles, type TlsFiles } from '../tls-files.ts';
import { waitOption } from './options.ts';

const EXAMPLES = `
Without --echo, it prints what arrives, and sends standard input to all clients, at the pace of the slowest. Standard
input is read once a client is connected; when it ends after some input, our side of their connections ends.
With --learn, it shows what an unknown device sends as bytes and text, and guesses how the device frames it: after each
pause, and once more at the end. It needs a few frames of different lengths.
localhost is 127.0.0.1 and ::1; port 0 is any free one; Ctrl-C ends it.

Examples:
  zocalo listen tcp://127.0.0.1:1337 --echo      every byte back, to many at a time
  zocalo listen tcp://localhost:0                a free port, printed on standard error
  zocalo listen udp://0.0.0.0:5140 > log.txt     keep what devices send
  zocalo listen tcp://0.0.0.0:5010 --learn       what is this device?
  zocalo listen tcp://0.0.0.0:5010 --record door.jsonl
  zocalo listen unix:///tmp/zocalo.sock
  zocalo listen tls://0.0.0.0:1338 --cert cert.pem --key key.pem --echo`;

interface Options extends TlsFiles {
  echo?: boolean;
  learn?: boolean;
  record?: string;
  wait: number;
}

export function addListen(program: Command): void {
  program
    .command('listen')
    .description('listen on an address: echo, or print what arrives and send what is typed')
    .argument('<url>', 'tcp://host:port, tls://host:port, udp://host:port, unix:///path')
    .option('-e, --echo', 'send every byte back')
    .addOption(new Option('--learn', 'guess how a device frames what it sends').conflicts('echo'))
    .addOption(
      new Option('--record <file>', 'write what arrives, and when, into a new file for zocalo replay').conflicts(
        'echo',
      ),
    )
    .option('--cert <file>', 'for tls: the certificate, PEM')
    .option('--key <file>', 'for tls: its private key, PEM')
    .option('--ca <file>', 'for tls: require a client certificate of this authority, PEM')
    .addOption(waitOption('after a client has ended: how long standard input may be silent before we end too'))
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(url: string, options: Options): Promise<void> {
  const hearers = await hearersOf(options);
  const server = await listen(url, readTlsFiles(options));
  const stop = () => server.close({ grace: 0 });
  process.once('SIGINT', stop).once('SIGTERM', stop);
  for (const address of server.addresses) note(`listening on ${address}`);
  if (options.echo) for await (const socket of server) socket.pipe(socket);
  else await converse(server, url.startsWith('udp:') ? 'lines' : 'chunks', { wait: options.wait, hearers });
  await stop();
  for (const hearer of hearers) hearer.close();
}

async function hearersOf({ learn, record }: Options): Promise<Hearer[]> {
  if (!learn && record === undefined) return [printer];
  const { Learner, Recorder } = await import('../devices/index.ts');
  return [
    ...(record === undefined ? [] : [new Recorder(record, systemClock)]),
    learn ? new Learner(systemClock, (text) => void print(text)) : printer,
  ];
}

const printer: Hearer = { opened() {}, heard: (_connection, bytes) => print(bytes), ended() {}, close() {} };

interface Conversation {
  readonly wait: number;
  readonly hearers: readonly Hearer[];
}

/** Tells of what all clients send, and sends standard input to all of them. */
async function converse(
  server: StreamServer,
  unit: 'chunks' | 'lines',
  { wait, hearers }: Conversation,
): Promise<void> {
  const sockets = new Set<StreamSocket>();
  const input = new Input();
  const hearing = new Set<Promise<void>>();
  let count = 0;
  for await (const socket of server) {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (++count === 1) speak(input, unit, sockets).catch(noteError);
    const connection = count;
    for (const hearer of hearers) hearer.opened(connection, socket.remoteAddress);
    const heard = hear(socket, connection, hearers).catch(noteError);
    hearing.add(heard);
    heard
      .then(() => {
        hearing.delete(heard);
        return input.settled(wait);
      })
      .then(() => socket.end())
      .catch(noteError);
  }
  await Promise.all(hearing);
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

async function hear(socket: StreamSocket, connection: number, hearers: readonly Hearer[]): Promise<void> {
  try {
    for await (const bytes of socket) for (const hearer of hearers) await hearer.heard(connection, bytes);
  } finally {
    for (const hearer of hearers) hearer.ended(connection);
  }
}
