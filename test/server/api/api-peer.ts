import type { TestContext } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { Hub, type HubOptions } from '../../../src/hub/index.ts';
import { compilePattern } from '../../../src/protocol/index.ts';
import { type Api, type ApiOptions, createApi } from '../../../src/server/api/index.ts';
import type { ApiCaller } from '../../../src/server/auth/index.ts';
import { configSchema } from '../../../src/server/config/index.ts';
import { type HubServer, type ServeOptions, serve } from '../../../src/server/transports/websocket/index.ts';

/** Keys as a test needs them; what they may do, and where. */
export const KEYS: Readonly<Record<string, { can: readonly string[]; channels: string }>> = {
  all: { can: ['publish', 'read', 'edit', 'users', 'sinks'], channels: '*' },
  news: { can: ['publish', 'read'], channels: 'news*' },
  reader: { can: ['read'], channels: '*' },
};

function callerOf(authorization: string | undefined): ApiCaller | undefined {
  const name = authorization?.replace(/^Bearer /, '') ?? '';
  const key = KEYS[name];
  if (!key) return undefined;
  const matches = compilePattern(key.channels);
  return {
    name,
    may: (right, channel) => key.can.includes(right) && (channel === undefined || matches(channel)),
  };
}

export interface Served {
  hub: Hub;
  server: HubServer;
  api: Api;
  /** `http://127.0.0.1:port` */
  url: string;
  ws: string;
  errors: unknown[];
}

export interface Options {
  hub?: Partial<HubOptions>;
  api?: Partial<ApiOptions>;
  cors?: '*' | string[];
  maxBody?: number;
  origins?: '*' | string[];
  serve?: ServeOptions;
}

/** A hub with its API on one free port, closed when the test is over. */
export async function serveApi(t: TestContext, options: Options = {}): Promise<Served> {
  const errors: unknown[] = [];
  const hub = new Hub({ broker: memory(), onError: (error) => errors.push(error), ...options.hub });
  const api = createApi({
    hub,
    keys: { find: callerOf },
    config: configSchema.parse({
      origins: options.origins,
      api: { cors: options.cors, maxBody: options.maxBody },
    }),
    log: { error: (details) => errors.push(details) },
    ...options.api,
  });
  const server = await serve(hub, 'ws://127.0.0.1:0', { onRequest: api.handle, ...options.serve });
  t.after(async () => {
    await hub.close();
    await server.close({ grace: 0 });
  });
  const ws = server.addresses[0]!;
  return { hub, server, api, url: ws.replace('ws', 'http'), ws, errors };
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  body: any;
}

/** One call: a GET, or a POST of what is given. */
export async function call(url: string, path: string, body?: unknown, headers: object = {}): Promise<Answer> {
  const response = await fetch(url + path, {
    headers: { Authorization: 'Bearer all', ...headers },
    ...(body !== undefined && { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
