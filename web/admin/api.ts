import type { AdminSession } from '../../src/server/admin/view.ts';

const KEY = 'zocalo.admin.key';

/** An answer of the daemon's HTTP API that is an error. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The daemon's HTTP API, with the key of whoever signed in. The key lives as long as this tab. */
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

  /** `data` is JSON, and goes as it is: long numbers keep their digits. */
  publish(channel: string, data: string): Promise<{ at?: [epoch: string, offset: number] }> {
    return this.#ask('POST', '/api/publish', `{"channel":${JSON.stringify(channel)},"data":${data}}`);
  }

  disconnect(user: string): Promise<unknown> {
    return this.#ask('POST', `/api/users/${encodeURIComponent(user)}/disconnect`, '{}');
  }

  presence(channel: string): Promise<{ count: number; members?: { id: string; data?: unknown }[] }> {
    return this.#ask('GET', `/api/presence?channel=${encodeURIComponent(channel)}`);
  }

  history(channel: string): Promise<{ oldest: number; head: number }> {
    return this.#ask('GET', `/api/history?channel=${encodeURIComponent(channel)}&limit=1`);
  }

  async #ask<T>(method: string, path: string, body?: string): Promise<T> {
    const response = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer as T;
    throw new ApiError(response.status, answer.message ?? `the server answered ${response.status}`);
  }
}
