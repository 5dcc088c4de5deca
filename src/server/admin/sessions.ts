import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Rights } from '../../hub/index.ts';
import { answer } from '../http/index.ts';
import { type AdminSession, OWN_PREFIX, type Sample } from './view.ts';

/** Milliseconds; the page asks again before each connection. */
const EXPIRES_IN = 3_600_000;

export interface AdminSessionsOptions {
  /** The API key in the header Authorization, if valid. */
  findKey: (authorization: string | undefined) => { name: string; may(right: 'admin'): boolean } | undefined;
  mint: (claims: { user: string; rights: Rights; expiresIn: number; isInternal: true }) => Promise<string>;
  samples: () => readonly Sample[];
  version: string;
  /** Milliseconds since 1970. */
  started: number;
  onError: (error: unknown) => void;
}

/** Exchanges an API key that can `admin` for a token for the daemon's own channels, and the page's first data. */
export class AdminSessions {
  static readonly PATH = '/admin/session';

  /** The user id for the admin key of this name. */
  static userOf(key: string): string {
    return `admin ${key}`;
  }

  readonly #options: AdminSessionsOptions;

  constructor(options: AdminSessionsOptions) {
    this.#options = options;
  }

  takes(url: string | undefined): boolean {
    return url === AdminSessions.PATH;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    this.#answer(request, response).catch((error) => {
      this.#options.onError(error);
      answer(response, 500, { code: 'INTERNAL', message: 'no token could be made; the log says why' });
    });
  }

  async #answer({ method, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { findKey, mint, samples, version, started } = this.#options;
    if (method !== 'POST') {
      response.setHeader('Allow', 'POST');
      return answer(response, 405, { code: 'METHOD_NOT_ALLOWED', message: 'POST it' });
    }
    const key = findKey(headers.authorization);
    if (!key?.may('admin')) {
      const message = key ? `the key ${key.name} cannot admin` : 'that is not one of the API keys';
      return answer(response, key ? 403 : 401, { code: key ? 'FORBIDDEN' : 'UNAUTHORIZED', message });
    }
    const rights = { subscribe: [`${OWN_PREFIX}*`] };
    const claims = { user: AdminSessions.userOf(key.name), rights, expiresIn: EXPIRES_IN, isInternal: true } as const;
    const token = await mint(claims);
    const session: AdminSession = { token, expiresIn: EXPIRES_IN, version, started, samples: [...samples()] };
    answer(response, 200, session);
  }
}
