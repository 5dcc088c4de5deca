import { type Command, InvalidArgumentError } from 'commander';
import type { LoadedConfig, LoadOptions } from '../../server/config/index.ts';

/** The flags of commands that use the configuration. */
export interface ConfigOptions {
  config?: string;
  set?: string[];
  port?: number;
  host?: string;
  store?: string;
}

export function addConfigFile(command: Command): Command {
  return command.option('-c, --config <file>', 'the configuration: .yaml, .json or .ts; default: zocalo.config.* here');
}

export function addConfigOptions(command: Command): Command {
  return addConfigFile(command)
    .option('-p, --port <port>', 'where to listen; 0 for any free port; default: 9000, or PORT', parsePort)
    .option('-H, --host <host>', 'the address to listen on; default: localhost')
    .option('--store <where>', 'where the logs are stored: sqlite:<file>, redis://<host>, or memory')
    .option('--set <key=value>', 'any key, like limits.queue=2MiB; may be repeated', collect);
}

/** @throws ConfigError. */
export async function loadFrom(options: ConfigOptions): Promise<LoadedConfig> {
  const { loadConfig } = await import('../../server/config/index.ts'); // large, and not needed by most commands
  return loadConfig(loadOptionsOf(options));
}

export function loadOptionsOf({ config, set, port, host, store }: ConfigOptions): LoadOptions {
  return { file: config, flags: { set, port, host, store } };
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}
