import type { ChannelOptions, PublishHook, SubscribeHook } from '../../hub/index.ts';
import { then } from '../../thenable.ts';
import { ADMIN_CHANNELS } from '../admin/index.ts';
import { permission } from '../auth/index.ts';
import { chatChannels } from '../chat/index.ts';
import type { ChannelConfig, Config } from '../config/index.ts';
import { concerns, type Handlers } from '../handlers/index.ts';

/** Who is asked where a handler is configured. */
type Asked = Pick<Handlers, 'subscribe' | 'publish'>;

/** With no channels configured, everyone may listen to all of them, and API keys publish. */
const UNCONFIGURED: Readonly<Record<string, ChannelOptions>> = {
  '*': { publish: permission('nobody', 'publish', '*') },
};

/** The channels that the daemon offers beside the configured ones, in the form of the configuration, and why. */
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

/**
 * The hub's channels from the configuration. The daemon's own channels cannot be overridden. `application` is asked where
 * a handler has such channels, after the options have allowed it.
 */
export function channelsOf(
  { channels, chat, handlers }: Pick<Config, 'channels' | 'chat' | 'handlers'>,
  application: Asked,
): Record<string, ChannelOptions> {
  const configured = Object.entries(channels).map(
    ([pattern, options]) => [pattern, optionsOf(pattern, options)] as const,
  );
  const all: Record<string, ChannelOptions> = {
    ...(configured.length === 0 && UNCONFIGURED),
    ...(chat && chatChannels()),
    ...Object.fromEntries(configured),
  };
  const asking = Object.entries(all).map(
    ([entry, options]) =>
      [
        entry,
        {
          ...options,
          ...(concerns(handlers, 'subscribe', entry) && { subscribe: askingSubscribe(options, application) }),
          ...(concerns(handlers, 'publish', entry) && { publish: askingPublish(options, application) }),
        },
      ] as const,
  );
  return { ...Object.fromEntries(asking), ...ADMIN_CHANNELS };
}

export interface ImpliedChannel {
  readonly name: string;
  readonly options: object;
  readonly reason: string;
}

function optionsOf(
  entry: string,
  { subscribe, publish, rate, latestBy, into: _, ...same }: ChannelConfig,
): ChannelOptions {
  return {
    ...same,
    subscribe: permission(subscribe, 'subscribe', entry),
    publish: permission(publish, 'publish', entry),
    ...(rate !== undefined && { rate }),
    ...(latestBy !== undefined && { latestBy }),
  };
}

function askingSubscribe({ subscribe = true }: ChannelOptions, application: Asked): SubscribeHook {
  return (who, channel, request) =>
    then(typeof subscribe === 'function' ? subscribe(who, channel, request) : subscribe, (allowed) =>
      allowed === true
        ? then(application.subscribe(who, channel, request), ({ data, member }) => ({ data, member }))
        : allowed,
    );
}

function askingPublish({ publish = true }: ChannelOptions, application: Asked): PublishHook {
  return (who, channel, data, request) =>
    then(typeof publish === 'function' ? publish(who, channel, data, request) : publish, (allowed) =>
      allowed === true ? then(application.publish(who, channel, request), ({ data }) => data ?? true) : allowed,
    );
}
