export { RedisNodes, type RedisNodesOptions } from './nodes.ts';
