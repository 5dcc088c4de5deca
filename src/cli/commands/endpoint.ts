import type { Command } from 'commander';
import { ProtocolError } from '../../protocol/index.ts';
import type { ApiRight } from '../../server/config/index.ts';
import type { Endpoint } from '../daemon-call.ts';
import { readTlsFiles } from '../tls-files.ts';
import { addConfigFile, loadFrom } from './config-options.ts';
import { caOption, parseDaemonUrl } from './options.ts';

/** The flags of a command that calls the daemon's HTTP API. */
export interface EndpointOptions {
  config?: string;
  url?: string;
  ca?: string;
  apiKey?: string;
}

export function addEndpoint(command: Command): Command {
  return addConfigFile(command)
    .option('--url <url>', 'the address of the daemon; default: as in the configuration', parseDaemonUrl)
    .addOption(caOption())
    .option('--api-key <key>', 'default: ZOCALO_API_KEY, or one of the configuration');
}

/** Where the daemon is, and a key of its configuration with the right, for a channel if one is given. */
export async function endpointOf(options: EndpointOptions, right: ApiRight, channel?: string): Promise<Endpoint> {
  const { ca } = options;
  return { ...(await placeOf(options, right, channel)), ...readTlsFiles({ ca }) };
}

async function placeOf({ config: file, url, apiKey }: EndpointOptions, right: ApiRight, channel?: string) {
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
  const fit = config.api.keys.find(({ key }) => keys.find(`Bearer ${key}`)?.may(right, channel));
  if (!fit && config.api.keys.length > 0) {
    const what = channel === undefined ? right : `${right} for ${channel}`;
    const how = `add ${right} to the list can of one, or give another with --api-key`;
    throw new ProtocolError('UNAUTHORIZED', `no key of the configuration has the right ${what}: ${how}`);
  }
  return { url: where, key: fit?.key };
}
