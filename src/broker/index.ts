export {
  type Broker,
  DEFAULT_KEEP,
  type Entry,
  type Erasable,
  isRewritable,
  type Keep,
  type Listener,
  type LogGap,
  type LogState,
  type Page,
  type PageBounds,
  type Publication,
  type Reachable,
  type Receipt,
  type Rewritable,
  sizeOf,
} from './broker.ts';
export { type FollowUps, hasFollowUps, type Published, type Unfinished } from './follow-ups.ts';
export type { KeyWindow } from './key-window.ts';
export { MemoryBroker, type MemoryOptions, memory } from './memory.ts';
export {
  isQueueing,
  matcherOf,
  type Queued,
  type Queueing,
  type QueueOptions,
  type QueueState,
  type SetAside,
} from './queueing.ts';
export {
  type Durability,
  FIELD,
  inspectRedis,
  type RedisAccess,
  RedisBroker,
  type RedisInspection,
  type RedisOptions,
  redis,
  type Script,
  scriptOf,
  type Waiting,
} from './redis/index.ts';
export { SqliteBroker, type SqliteOptions, sqlite } from './sqlite.ts';
