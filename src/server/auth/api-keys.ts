import { hash, timingSafeEqual } from 'node:crypto';
import { compileGrant } from '../../hub/index.ts';
import type { ApiKeyConfig, ApiRight } from '../config/index.ts';
import { bearerOf } from './credentials.ts';

/** The caller of the HTTP API: the owner of an API key, or a program of this machine. */
export interface ApiCaller {
  /** The name of the key, for logs. */
  readonly name: string;
  /** Whether the caller has the right; for a channel when one is named. A key's `admin` has them all. */
  may(right: ApiRight, channel?: string): boolean;
}

/** The keys of the HTTP API. Only their digests are held. */
export class ApiKeys {
  #keys: readonly { digest: Buffer; caller: ApiCaller }[] = [];

  constructor(keys: readonly ApiKeyConfig[]) {
    this.replace(keys);
  }

  /** From the next request on. */
  replace(keys: readonly ApiKeyConfig[]): void {
    this.#keys = keys.map((key) => ({ digest: digestOf(key.key), caller: callerOf(key) }));
  }

  /**
   * Who sent `Authorization: Bearer <key>`; undefined when it is none of the keys. All keys are compared, each by its
   * digest, so that the time says nothing about how much of one was right.
   */
  find(authorization: string | undefined): ApiCaller | undefined {
    const digest = digestOf(bearerOf(authorization) ?? '');
    let found: ApiCaller | undefined;
    for (const { digest: known, caller } of this.#keys) if (timingSafeEqual(known, digest)) found = caller;
    return found;
  }
}

function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function callerOf({ name, can, channels }: ApiKeyConfig): ApiCaller {
  const patterns = channels.map(compileGrant);
  return {
    name,
    may: (right, channel) =>
      (can.includes(right) || can.includes('admin')) &&
      (channel === undefined || patterns.some((matches) => matches(channel))),
  };
}
