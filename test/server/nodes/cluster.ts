import type { TestContext } from 'node:test';
import { Client } from '../../../src/client/index.ts';
import type { Program } from '../../support/cli.ts';
import { API_KEY } from '../../support/config.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { serveIn } from '../../support/serve-in.ts';

/** One `zocalo serve` of several, and what a test needs to talk to it. */
export interface ClusterNode {
  readonly url: string;
  readonly program: Program;
  /** Starts another program in its place, after it has ended. */
  again(): Promise<ClusterNode>;
  client(options?: ConstructorParameters<typeof Client>[1]): Client;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds, each test checks
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }>;
}

export const SECRET = 's'.repeat(40);

/** A Redis, and some daemons that share it, each a process with the same configuration. */
export async function startCluster(
  t: TestContext,
  count: number,
  config: object = {},
): Promise<{ redis: RedisServer; nodes: ClusterNode[]; more: () => Promise<ClusterNode> }> {
  const redis = await startRedis(t);
  const whole = {
    store: redis.address,
    secret: SECRET,
    channels: { '*': { presence: true } },
    api: { keys: [{ name: 'test', key: API_KEY, can: ['publish', 'read', 'users'] }] },
    ...config,
  };
  const start = async (): Promise<ClusterNode> => {
    const { start, url } = await serveIn(t, whole);
    const node = async (): Promise<ClusterNode> => ({
      url,
      program: await start(),
      again: node,
      client: (options = {}) => {
        const client = new Client(url.replace(/^http/, 'ws'), options);
        client.on('error', () => {});
        t.after(() => client.close());
        return client;
      },
      call: async (method, path, body) => {
        const response = await fetch(url + path, {
          method,
          headers: { authorization: `Bearer ${API_KEY}` },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        return { status: response.status, body: await response.json() };
      },
    });
    return node();
  };
  return { redis, nodes: await Promise.all(Array.from({ length: count }, start)), more: start };
}
