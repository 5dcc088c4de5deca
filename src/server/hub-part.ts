import type { Broker } from '../broker/index.ts';
import type { Clock } from '../clock.ts';
import { Hub } from '../hub/index.ts';
import type { Nodes } from '../nodes/index.ts';
import type { Auth } from './auth/index.ts';
import { channelsOf } from './channels/index.ts';
import type { Config } from './config/index.ts';
import type { Handlers } from './handlers/index.ts';
import { type Log, refusalsTo, traceTo } from './operations/index.ts';
import type { Part } from './part.ts';

export interface HubParts {
  readonly broker: Broker;
  readonly nodes: Nodes;
  readonly auth: Auth;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  /** The log for everything that clients send and receive. */
  readonly trace: Log | undefined;
}

/** The hub that a configuration asks for. */
export function newHub(config: Config, { broker, nodes, auth, handlers, clock, onError, trace }: HubParts): Hub {
  const { limits } = config;
  const hub = new Hub({
    broker,
    nodes,
    channels: channelsOf(config, handlers),
    connect: (visitor) => auth.connect(visitor),
    limits: {
      requests: limits.messagesPerSecond,
      bytes: limits.bytesPerSecond,
      subscriptions: limits.subscriptions,
    },
    linger: config.linger,
    pingInterval: config.ping,
    onError,
    clock,
    ...(trace && { trace: traceTo(trace) }),
  });
  hub.prepareMethods(handlers.methodsOf(config.handlers))();
  if (trace) hub.observe(refusalsTo(trace));
  return hub;
}

/** Its life in the daemon: a reload replaces the channels and the methods together. */
export function hubPart(hub: Hub, handlers: Handlers): Part {
  return {
    name: 'the hub',
    reloads: ['channels', 'handlers'],
    open: () => hub.open(),
    prepare: (next) => {
      const useChannels = hub.prepareChannels(channelsOf(next, handlers));
      const useMethods = hub.prepareMethods(handlers.methodsOf(next.handlers));
      return {
        commit: () => {
          useChannels();
          useMethods();
        },
      };
    },
    close: () => hub.close(),
  };
}
