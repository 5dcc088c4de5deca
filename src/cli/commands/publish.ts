import { isUtf8 } from 'node:buffer';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import { JsonText } from '../../protocol/index.ts';
import { callDaemon } from '../daemon-call.ts';
import { print } from '../terminal.ts';
import { addEndpoint, type EndpointOptions, endpointOf } from './endpoint.ts';

const EXAMPLES = `
Data that is not JSON is sent as a string; - is standard input. The position in the channel's log is printed. The
daemon's address and a key that may publish come from the configuration here (or its Unix socket, which needs no key), or
from --url, and --api-key or ZOCALO_API_KEY.

Examples:
  zocalo publish news '{"title":"Hola"}'
  date | zocalo publish clock -
  zocalo publish orders '{"id":42}' --key order-42      safe to repeat
  ZOCALO_API_KEY=… zocalo publish news Hola --url https://example.org`;

interface Options extends EndpointOptions {
  key?: string;
}

export function addPublish(program: Command): void {
  addEndpoint(program.command('publish').description('publish to a channel of a running daemon'))
    .argument('<channel>', 'its name')
    .argument('<data>', 'JSON or a string; - for standard input')
    .option('--key <key>', 'an idempotency key: makes repeating safe')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(channel: string, data: string, options: Options): Promise<void> {
  const said = data === '-' ? (await standardInput()).replace(/\r?\n$/, '') : data;
  const { key } = options;
  const endpoint = await endpointOf(options, 'publish', channel);
  const more = JSON.stringify({ channel, key }).slice(1);
  const answer = await callDaemon(endpoint, '/api/publish', JsonText.written(`{"data":${parse(said).text},${more}`));
  const { at } = answer as { at?: [string, number] };
  await print(at ? `${at.join(':')}\n` : 'published\n');
}

/** JSON text unchanged, with all digits; anything else is a string. */
function parse(said: string): JsonText {
  try {
    return JsonText.parse(said);
  } catch {
    return JsonText.of(said);
  }
}

async function standardInput(): Promise<string> {
  const bytes = await buffer(process.stdin);
  if (isUtf8(bytes)) return bytes.toString();
  throw new ZocaloError('BAD_OPTION', 'standard input is not UTF-8', { advice: 'convert it, for example with iconv' });
}
