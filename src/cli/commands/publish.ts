import { isUtf8 } from 'node:buffer';
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ZocaloError } from '../../errors.ts';
import { JsonText } from '../../protocol/index.ts';
import { callDaemon, type Door } from '../daemon-call.ts';
import { print } from '../terminal.ts';
import { readTlsFiles } from '../tls-files.ts';
import { addConfigFile, loadFrom } from './config-options.ts';
import { caOption, parseDaemonUrl } from './options.ts';

const EXAMPLES = `
Data that is not JSON is sent as a string; - is standard input. The position in the channel's log is printed. The
daemon's address and a key that may publish come from the configuration here (or its Unix socket, which needs no key), or
from --url, and --api-key or ZOCALO_API_KEY.

Examples:
  zocalo publish news '{"title":"Hola"}'
  date | zocalo publish clock -
  zocalo publish orders '{"id":42}' --key order-42      safe to repeat
  ZOCALO_API_KEY=… zocalo publish news Hola --url https://example.org`;

interface Options {
  config?: string;
  url?: string;
  ca?: string;
  apiKey?: string;
  key?: string;
}

export function addPublish(program: Command): void {
  addConfigFile(program.command('publish').description('publish to a channel of a running daemon'))
    .argument('<channel>', 'its name')
    .argument('<data>', 'JSON or a string; - for standard input')
    .option('--key <key>', 'an idempotency key: makes repeating safe')
    .option('--url <url>', 'the address of the daemon; default: as in the configuration', parseDaemonUrl)
    .addOption(caOption())
    .option('--api-key <key>', 'default: ZOCALO_API_KEY, or one of the configuration')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(channel: string, data: string, options: Options): Promise<void> {
  const said = data === '-' ? (await standardInput()).replace(/\r?\n$/, '') : data;
  const { key, ca } = options;
  const door = { ...(await doorOf(options, channel)), ...readTlsFiles({ ca }) };
  const more = JSON.stringify({ channel, key }).slice(1);
  const answer = await callDaemon(door, '/api/publish', JsonText.written(`{"data":${parse(said).text},${more}`));
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

async function doorOf({ config: file, url, apiKey }: Options, channel: string): Promise<Door> {
  const key = apiKey ?? (process.env.ZOCALO_API_KEY || undefined);
  if (url !== undefined && key !== undefined) return { url, key };
  const { config } = await loadFrom({ ...(file !== undefined && { config: file }) });
  const [{ addressOf }, { ApiKeys }] = await Promise.all([
    import('../daemon-address.ts'),
    import('../../server/auth/index.ts'),
  ]);
  const where = url ?? addressOf(config);
  if (key !== undefined) return { url: where, key };
  if (url === undefined && config.socket !== undefined) return { url: where, socket: config.socket };
  const keys = new ApiKeys(config.api.keys);
  const fit = config.api.keys.find(({ key }) => keys.find(`Bearer ${key}`)?.may('publish', channel));
  return { url: where, key: fit?.key };
}
