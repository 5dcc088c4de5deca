import type { TestContext } from 'node:test';
import type { z } from 'zod';
import { Client } from '../../src/client/index.ts';
import { type Config, configSchema } from '../../src/server/config/index.ts';
import { Daemon } from '../../src/server/daemon.ts';

export const API_KEY = 'k'.repeat(40);
export const ADMIN_KEY = 'a'.repeat(40);

export type ConfigInput = z.input<typeof configSchema>;

/** What was logged, a line each. */
export class MemoryLog {
  readonly lines: { level: string; fields: Record<string, unknown>; sentence: string }[] = [];
  readonly debug = this.#writer('debug');
  readonly info = this.#writer('info');
  readonly warn = this.#writer('warn');
  readonly error = this.#writer('error');

  #writer(level: string) {
    return (fields: object, sentence: string) => {
      this.lines.push({ level, fields: fields as Record<string, unknown>, sentence });
    };
  }
}

export function configOf(input: ConfigInput = {}): Config {
  return configSchema.parse({
    listen: 'http://127.0.0.1:0',
    store: 'memory:',
    api: {
      keys: [
        { name: 'test', key: API_KEY, can: ['publish', 'read', 'users'] },
        { name: 'admin', key: ADMIN_KEY, can: ['admin'] },
      ],
    },
    ...input,
  });
}

/** A daemon in this process on a free port, and what a test needs to talk to it. */
export async function startDaemon(t: Pick<TestContext, 'after'>, input: ConfigInput = {}) {
  const log = new MemoryLog();
  const daemon = new Daemon(configOf(input), { log, version: '0.0.0' });
  t.after(() => daemon.stop());
  await daemon.start();
  const url = daemon.addresses[0]!;
  /** With an empty key: without one. */
  const call = async (method: string, path: string, body?: unknown, key = API_KEY) => {
    const response = await fetch(url + path, {
      method,
      ...(key !== '' && { headers: { authorization: `Bearer ${key}` } }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: what an answer holds, each test checks
    return { status: response.status, body: (await response.json()) as any };
  };
  const client = (options: ConstructorParameters<typeof Client>[1] = {}) => {
    const client = new Client(url.replace(/^http/, 'ws'), options);
    client.on('error', () => {});
    t.after(() => client.close());
    return client;
  };
  return { daemon, log, url, call, client };
}
