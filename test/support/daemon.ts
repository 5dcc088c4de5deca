import type { TestContext } from 'node:test';
import { Client } from '../../src/client/index.ts';
import { Daemon } from '../../src/server/daemon.ts';
import type { DaemonOptions } from '../../src/server/parts.ts';
import { API_KEY, type ConfigInput, configOf } from './config.ts';
import { MemoryLog } from './memory-log.ts';

/** A daemon in this process on a free port, and what a test needs to talk to it. */
export async function startDaemon(
  t: Pick<TestContext, 'after'>,
  input: ConfigInput = {},
  options: Pick<DaemonOptions, 'clock'> = {},
) {
  const log = new MemoryLog();
  const daemon = new Daemon(configOf(input), { log, version: '0.0.0', ...options });
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
