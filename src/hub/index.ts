export type { Connection } from './connection.ts';
export { Hub, type HubPublishOptions } from './hub.ts';
export type { Handler } from './methods.ts';
export type {
  Caller,
  ChannelOptions,
  HubLimits,
  HubOptions,
  Identity,
  Permission,
  SlowPolicy,
  Visitor,
} from './options.ts';
export type { TextConnection } from './text-connection.ts';
export type { User as HubUser } from './users.ts';
export type { FanOut, Wire } from './wire.ts';
