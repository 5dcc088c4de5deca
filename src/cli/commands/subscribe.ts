import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import type { Message, Position } from '../../client/index.ts';
import { ZocaloError } from '../../errors.ts';
import { note, noteError, print } from '../terminal.ts';
import { addConfigFile, loadFrom } from './config-options.ts';
import { parseDaemonUrl } from './options.ts';
import { mintToken } from './token.ts';

const EXAMPLES = `
Prints a line for each message: the channel and its data as JSON, or with --json everything that is known about it. It
reconnects by itself, and continues where it was. Ctrl-C ends it.

Examples:
  zocalo subscribe news
  zocalo subscribe chat:1 chat:2 --recent 10 --json
  zocalo subscribe news --since k3Xw9:41                start after that position
  zocalo subscribe news --url wss://example.org --token "$TOKEN"`;

interface Options {
  config?: string;
  url?: string;
  token?: string;
  since?: Position;
  recent?: number;
  json?: boolean;
}

/** Milliseconds; a new one is made for each connection. */
const TOKEN_LIFE = 3_600_000;

export function addSubscribe(program: Command): void {
  addConfigFile(program.command('subscribe').description('print what is published to channels of a running daemon'))
    .argument('<channel...>', 'their names')
    .option('--since <position>', 'epoch:offset, as zocalo publish prints it: start after it', parsePosition)
    .option('--recent <n>', 'this many of the newest messages first', parseCount)
    .option('--json', 'print everything that is known about a message')
    .option('--url <url>', 'the address of the daemon; default: as in the configuration', parseDaemonUrl)
    .option(
      '--token <token>',
      'the token to log in with; default: ZOCALO_TOKEN, or one made with the secret of the configuration',
    )
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(channels: string[], options: Options): Promise<void> {
  const pattern = channels.find((channel) => channel.includes('*'));
  if (pattern !== undefined && (options.since ?? options.recent) !== undefined)
    throw new ZocaloError('BAD_OPTION', `${pattern} is a pattern, and begins with the next message`, {
      advice: `leave out --${options.since ? 'since' : 'recent'}, or name the channels`,
    });
  const [{ Client }, { ExactSocket }] = await Promise.all([
    import('../../client/index.ts'),
    import('./exact-socket.ts'),
  ]);
  const { url, token } = await visitOf(channels, options);
  const client = new Client(url, { WebSocket: ExactSocket, ...(token && { token }) });
  const ended = Promise.withResolvers<void>();
  client.on('error', (error) => (client.state === 'closed' ? ended.reject(error) : noteError(error)));
  client.on('state', (state) => state === 'waiting' && note(`no connection with ${url}; trying again`));
  for (const channel of channels) {
    const { since, recent } = options;
    const subscription = client.subscribe(channel, {
      ...(since && { since }),
      ...(recent !== undefined && { recent }),
    });
    subscription.on('message', (message) => void print(line(message, options.json)));
    subscription.on('gap', ({ channel }) => note(`${channel}: some messages are lost; continuing after them`));
    subscription.on('error', ended.reject);
  }
  try {
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), ended.promise]);
  } finally {
    client.close();
  }
}

/** `data` is JSON text: see `ExactSocket`. */
function line({ channel, data, ...more }: Message, json = false): string {
  if (!json) return `${channel} ${data}\n`;
  return `{"channel":${JSON.stringify(channel)},"data":${data},${JSON.stringify(more).slice(1)}\n`;
}

async function visitOf(
  channels: string[],
  { config: file, url, token = process.env.ZOCALO_TOKEN || undefined }: Options,
): Promise<{ url: string; token?: () => Promise<string> }> {
  if (url !== undefined && token !== undefined) return { url: webSocketUrl(url), token: async () => token };
  const { config } = await loadFrom({ ...(file !== undefined && { config: file }) });
  const { addressOf } = await import('../daemon-address.ts');
  const where = webSocketUrl(url ?? addressOf(config));
  if (token !== undefined) return { url: where, token: async () => token };
  const { secret } = config;
  if (secret === undefined) return { url: where };
  const claims = { user: 'zocalo-subscribe', rights: { subscribe: channels }, expiresIn: TOKEN_LIFE, isInternal: true };
  return { url: where, token: () => mintToken(secret, claims) };
}

function webSocketUrl(url: string): string {
  return url.replace(/^http/, 'ws');
}

function parsePosition(text: string): Position {
  const [, epoch, offset] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (epoch !== undefined) return [epoch, Number(offset)];
  throw new InvalidArgumentError('A position is epoch:offset, as zocalo publish prints it.');
}

function parseCount(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of messages.');
}
