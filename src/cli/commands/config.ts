import type { Command } from 'commander';
import { note, print } from '../terminal.ts';
import { addConfigOptions, type ConfigOptions, loadFrom } from './config-options.ts';

const EXAMPLES = `
The file overrides the defaults, ZOCALO_… of the environment the file, and the flags all of them. Secrets are hidden. A
comment says where each value was written. Channels that are offered without being configured are listed too.

Examples:
  zocalo config
  zocalo config --config /etc/zocalo.yaml
  ZOCALO_LIMITS_QUEUE=2MiB zocalo config --set log.level=debug`;

export function addConfig(program: Command): void {
  addConfigOptions(program.command('config').description('print the effective configuration, or what is wrong with it'))
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(options: ConfigOptions): Promise<void> {
  const { effectiveConfig } = await import('../../server/config/index.ts');
  const { impliedChannels } = await import('../../server/channels/index.ts');
  const loaded = await loadFrom(options);
  for (const warning of loaded.warnings) note(`warning: ${warning}`);
  await print(effectiveConfig(loaded, impliedChannels(loaded.config)));
}
