import type { ChannelOptions } from '../../hub/index.ts';
import { ADMIN_CHANNELS } from '../admin/index.ts';
import { permission } from '../auth/index.ts';
import { chatChannels } from '../chat/index.ts';
import type { ChannelConfig, Config } from '../config/index.ts';

/** Where nothing is configured, everybody may listen everywhere, and API keys publish. */
const UNCONFIGURED: Readonly<Record<string, ChannelOptions>> = {
  '*': { publish: permission('nobody', 'publish', '*') },
};

/** The channels that the daemon offers beside the configured ones, as the configuration would say them, and why. */
export function impliedChannels({ channels, chat }: Pick<Config, 'channels' | 'chat'>): ImpliedChannel[] {
  const implied: ImpliedChannel[] = [];
  if (Object.keys(channels).length === 0)
    implied.push({
      name: '*',
      options: { subscribe: 'everyone', publish: 'nobody' },
      reason: 'because no channels are configured',
    });
  if (chat)
    for (const [name, { text, ...options }] of Object.entries(chatChannels()))
      if (!(name in channels))
        implied.push({
          name,
          options: { subscribe: 'everyone', publish: 'everyone', ...options },
          reason: 'because chat is true: anybody may write here',
        });
  return implied;
}

/** The hub's channels from the configuration. The daemon's own channels cannot be overridden. */
export function channelsOf({ channels, chat }: Pick<Config, 'channels' | 'chat'>): Record<string, ChannelOptions> {
  const configured = Object.entries(channels).map(
    ([pattern, options]) => [pattern, optionsOf(pattern, options)] as const,
  );
  return {
    ...(configured.length === 0 && UNCONFIGURED),
    ...(chat && chatChannels()),
    ...Object.fromEntries(configured),
    ...ADMIN_CHANNELS,
  };
}

export interface ImpliedChannel {
  readonly name: string;
  readonly options: object;
  readonly reason: string;
}

function optionsOf(entry: string, { subscribe, publish, rate, latestBy, ...same }: ChannelConfig): ChannelOptions {
  return {
    ...same,
    subscribe: permission(subscribe, 'subscribe', entry),
    publish: permission(publish, 'publish', entry),
    ...(rate !== undefined && { rate }),
    ...(latestBy !== undefined && { latestBy }),
  };
}
