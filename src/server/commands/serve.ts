import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ChatServer } from '../chat.ts';
import { readChatPage } from '../chat-page.ts';
import { readSdk } from '../sdk.ts';

const EXAMPLES = `
Examples:
  zocalo serve                   the chat at http://localhost:9000, for this machine alone
  zocalo serve --port 8080
  zocalo serve --host 0.0.0.0    for everybody on the network`;

const DEFAULT_PORT = 9000;

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('serve the chat: its page and its room, on one port')
    .addOption(
      new Option('-p, --port <port>', 'where to listen; 0 for any free port')
        .env('PORT')
        .default(DEFAULT_PORT)
        .argParser(parsePort),
    )
    .option('-H, --host <host>', 'the address to listen on', 'localhost')
    .addHelpText('after', EXAMPLES)
    .action(serve);
}

/** Until SIGINT or SIGTERM; then everybody is told to come back later. */
async function serve({ host, port }: { host: string; port: number }): Promise<void> {
  const files = (await readChatPage()).with(await readSdk());
  const server = new ChatServer(`ws://${isIPv6(host) ? `[${host}]` : host}:${port}`, {
    onRequest: (request, response) => files.handle(request, response),
  });
  await server.listen();
  console.log(`The chat is open at ${pageAddresses(host, server.addresses).join(' and ')}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await server.close({ grace: 1000 });
}

function parsePort(text: string): number {
  if (text === '') return DEFAULT_PORT; // `PORT=` is how a variable is unset in many a file
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}

/** What to type into a browser. A server on all addresses is reached under each of the machine's own. */
function pageAddresses(host: string, addresses: readonly string[]): string[] {
  const pages = addresses.map((address) => new URL(address.replace(/^ws/, 'http')));
  const port = pages[0]?.port || '80';
  if (host === 'localhost') return [`http://localhost:${port}`];
  if (host !== '0.0.0.0' && host !== '::') return pages.map(({ origin }) => origin);
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const reachable = own.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
  return ['localhost', ...reachable].map((name) => `http://${name}:${port}`);
}
