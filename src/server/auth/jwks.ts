import type { JWTVerifyGetKey } from 'jose';
import { ProtocolError } from '../../protocol/index.ts';
import { readJson } from './body.ts';

export type Keys = JWTVerifyGetKey;

const TIMEOUT = 5_000;
/** Bytes: some dozens of keys. */
const MOST = 256 * 1_024;
/** Keys are fetched again after this, or after `COOL_DOWN` at the earliest when a token names an unknown one. */
const MAX_AGE = 600_000;
const COOL_DOWN = 30_000;
/** Milliseconds after a failure before the keys are fetched again. */
const PAUSE = 5_000;

/**
 * The keys that are published at a URL (RFC 7517). When they cannot be fetched, no token can be checked: the answer is
 * UNAVAILABLE, so that visitors try again.
 */
export function jwksKeys(url: URL, doFetch: typeof fetch, now: () => number): Keys {
  let failedAt = Number.NEGATIVE_INFINITY;
  const bounded: typeof fetch = async (where, init) => {
    if (now() - failedAt < PAUSE) throw new Error('it failed a moment ago');
    try {
      const response = await doFetch(where, init);
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`it answers with status ${response.status}`);
      }
      const set = (await readJson(response, MOST)) as { keys?: unknown } | null;
      if (!Array.isArray(set?.keys)) throw new Error('it answers without a list of keys');
      return Response.json(set);
    } catch (error) {
      failedAt = now();
      throw error;
    }
  };
  let keys: Keys | undefined;
  return async (header, token) => {
    const { createRemoteJWKSet, customFetch, errors } = await import('jose');
    keys ??= createRemoteJWKSet(url, {
      timeoutDuration: TIMEOUT,
      cacheMaxAge: MAX_AGE,
      cooldownDuration: COOL_DOWN,
      [customFetch]: bounded,
    });
    try {
      return await keys(header, token);
    } catch (error) {
      const isTokens = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
      if (isTokens || error instanceof errors.JOSENotSupported) throw error;
      throw new KeysUnavailable((error as Error).message);
    }
  };
}

/** The message is general, for the visitor; `cause` is for the log. */
export class KeysUnavailable extends ProtocolError {
  override readonly cause: string;

  constructor(cause: string) {
    super('UNAVAILABLE', 'who you are cannot be checked just now', PAUSE);
    this.cause = cause;
  }
}
