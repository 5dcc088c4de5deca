export { Allowance } from './allowance.ts';
export { answerOf } from './answer.ts';
export type { Connection } from './connection.ts';
export { milliseconds } from './duration.ts';
export { Hub, type HubPublishOptions } from './hub.ts';
export type { Handler } from './methods.ts';
export type { HubObserver, Refusal, Taken } from './observer.ts';
export type {
  Caller,
  ChannelOptions,
  HubLimits,
  HubOptions,
  Identity,
  Permission,
  SlowPolicy,
  TextForm,
  Trace,
  Visitor,
} from './options.ts';
export { rightMissing } from './permit.ts';
export { type Action, compileGrant, isOwn, type Rights } from './rights.ts';
export type { TextConnection } from './text-connection.ts';
export type { User as HubUser, UserConnection } from './users.ts';
export type { FanOut, Wire } from './wire.ts';
