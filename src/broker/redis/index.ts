export type { RedisAccess } from './access.ts';
export type { Durability } from './durability.ts';
export { inspect as inspectRedis, type RedisInspection } from './inspection.ts';
export { RedisBroker, type RedisOptions, redis } from './redis.ts';
export { FIELD, type Script, scriptOf } from './scripts.ts';
export type { Waiting } from './waiting.ts';
