import type { Command } from 'commander';
import { note, print } from '../terminal.ts';
import { addConfigOptions, type ConfigOptions, loadFrom } from './config-options.ts';

const EXAMPLES = `
Defaults, under the file, under ZOCALO_… of the environment, under the flags. Secrets are hidden, and a comment says
where a value was written that is no default. Channels that nobody configured but that are offered are there, too.

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
