import type { AdminSession } from '../../src/server/admin/view.ts';

const KEY = 'zocalo.admin.key';

export type Position = readonly [epoch: string, offset: number];

export interface HistoryPage {
  epoch: string;
  oldest: number;
  head: number;
  entries: [offset: number, data: unknown, meta: { user?: string; time?: number }][];
}

/** An error answered by the daemon's HTTP API. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The daemon's HTTP API, with the key that the user signed in with. The key is kept as long as this tab. */
export class Api {
  #key = sessionStorage.getItem(KEY) ?? '';

  get hasKey(): boolean {
    return this.#key !== '';
  }

  use(key: string): void {
    this.#key = key;
    sessionStorage.setItem(KEY, key);
  }

  forget(): void {
    this.#key = '';
    sessionStorage.removeItem(KEY);
  }

  session(): Promise<AdminSession> {
    return this.#ask('POST', '/admin/session');
  }

  /** `data` is JSON text, sent unchanged: long numbers keep their digits. */
  publish(channel: string, data: string): Promise<{ at?: [epoch: string, offset: number] }> {
    return this.#ask('POST', '/api/publish', `{"channel":${JSON.stringify(channel)},"data":${data}}`);
  }

  disconnect(user: string): Promise<{ connections: number }> {
    return this.#ask('POST', `/api/users/${encodeURIComponent(user)}/disconnect`, '{}');
  }

  /** Revokes all tokens and sessions of the user, and ends their connections. */
  revoke(user: string): Promise<unknown> {
    return this.#ask('POST', `/api/users/${encodeURIComponent(user)}/revoke`, '{}');
  }

  /** `data` is JSON text, sent unchanged. */
  send(user: string, data: string): Promise<{ connections: number }> {
    return this.#ask('POST', `/api/users/${encodeURIComponent(user)}/send`, `{"data":${data}}`);
  }

  presence(channel: string): Promise<{ count: number; members?: { id: string; data?: unknown }[] }> {
    return this.#ask('GET', `/api/presence?channel=${encodeURIComponent(channel)}`);
  }

  /** At most `limit` entries after a position, or the oldest. `written` gives their data as text, unchanged. */
  history(channel: string, limit: number, at?: Position): Promise<HistoryPage> {
    const after = at ? `&at=${encodeURIComponent(at.join(':'))}` : '';
    return this.#ask('GET', `/api/history?channel=${encodeURIComponent(channel)}&limit=${limit}${after}`);
  }

  async #ask<T>(method: string, path: string, body?: string): Promise<T> {
    const response = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    });
    const answer = parsed(await response.text());
    if (response.ok) return answer as T;
    throw new ApiError(response.status, answer.message ?? `the server answered ${response.status}`);
  }
}

/** Keeps numbers that JavaScript would round, where the browser can (`JSON.rawJSON`). */
function exact(this: unknown, _: string, value: unknown, context?: { source?: string }): unknown {
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
  const source = context?.source;
  return typeof value === 'number' && rawJSON && source !== undefined && String(value) !== source
    ? rawJSON(source)
    : value;
}

// biome-ignore lint/suspicious/noExplicitAny: what an answer holds, the caller knows
function parsed(text: string): any {
  try {
    return JSON.parse(text, exact);
  } catch {
    return {};
  }
}
