import type { Command } from 'commander';
import { connect, parseAddress } from '../../stream/index.ts';
import { connectWebSocket } from '../../websocket/index.ts';
import { talkInBytes, talkInDatagrams, talkInMessages } from '../socket-session.ts';
import { Input, note } from '../terminal.ts';
import { readTlsFiles, type TlsFiles } from '../tls-files.ts';
import { secondsOption, waitOption } from './options.ts';

const EXAMPLES = `
Sends standard input, and prints the answers. When standard input ends, so does our side; later answers are still
printed. Over udp:// a line is a datagram, over ws:// and wss:// it is a text message; there, it waits after the end of
the input until nothing has arrived for --wait seconds.

Examples:
  zocalo connect tcp://example.org:80
  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | zocalo connect tcp://example.org:80
  zocalo connect tls://localhost:1338 --ca cert.pem
  echo status | zocalo connect udp://127.0.0.1:5140 --wait 0.5
  zocalo connect unix:///tmp/zocalo.sock
  zocalo connect ws://localhost:9000`;

interface Options extends TlsFiles {
  servername?: string;
  insecure?: boolean;
  timeout: number;
  wait: number;
}

export function addConnect(program: Command): void {
  program
    .command('connect')
    .description('an interactive connection to an address; standard input may be a pipe')
    .argument('<url>', 'tcp://, tls://, udp:// with host:port, unix:///path, ws://host/path, wss://host/path')
    .option('--ca <file>', 'for tls and wss: the authority that signed the certificate, PEM')
    .option('--cert <file>', 'for tls and wss: our own certificate, PEM')
    .option('--key <file>', 'for tls and wss: its private key, PEM')
    .option('--servername <name>', 'for tls and wss: the name that the certificate must have')
    .option(
      '--insecure',
      'for tls and wss: accept any certificate; anyone in between can then read and change everything',
    )
    .addOption(secondsOption('--timeout <seconds>', 'time limit for connecting; 0 for none', 10))
    .addOption(waitOption('how long a silence counts as the end, where nothing else marks it'))
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(url: string, options: Options): Promise<void> {
  const { timeout, wait, insecure, servername } = options;
  const tls = { ...readTlsFiles(options), ...(servername && { servername }), rejectUnauthorized: !insecure };
  const { scheme } = parseAddress(url);
  const input = new Input();
  if (scheme === 'ws' || scheme === 'wss') {
    const client = await connectWebSocket(url, { timeout, tls });
    greet(input, url);
    return talkInMessages(client, input, wait, url);
  }
  const socket = await connect(url, { timeout, ...tls });
  greet(input, socket.remoteAddress);
  return scheme === 'udp' ? talkInDatagrams(socket, input, wait) : talkInBytes(socket, input, wait);
}

function greet(input: Input, address: string): void {
  if (input.isTyped) note(`connected to ${address}`);
}
