import { hash, timingSafeEqual } from 'node:crypto';
import { compileGrant } from '../../hub/index.ts';
import type { ApiKeyConfig, ApiRight } from '../config/index.ts';
import { bearerOf } from './credentials.ts';

/** The caller of the HTTP API: the owner of an API key, or a program on this machine. */
export interface ApiCaller {
  /** The name of the key, for logs. */
  readonly name: string;
  /** Whether the caller has the right, for a channel if one is given. The right `admin` includes all others. */
  may(right: ApiRight, channel?: string): boolean;
}

/** The keys of the HTTP API. Only their digests are kept. */
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
   * Who sent `Authorization: Bearer <key>`; undefined for an unknown key. It compares the digests of all keys in
   * constant time, so that the time reveals nothing about a key.
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
