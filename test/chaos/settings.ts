import { createHmac } from 'node:crypto';
import type { z } from 'zod';
import type { configSchema } from '../../src/server/config/index.ts';

export const SECRET = 'chaos'.repeat(8);

/** The channels of the reader with many subscriptions. */
export const MANY = Array.from({ length: 255 }, (_, n) => `many:${n}`);

/** Publications that the channel `short` keeps. */
export const SHORT = 20;

/** Where a life of the server listens, and where its logs are. */
export interface Place {
  readonly port: number;
  readonly linePort: number;
  readonly database: string;
  /** The URL of a webhook. */
  readonly webhook: string;
}

/**
 * The `n`th configuration. Each reload changes something of every part that a reload can change. Users never notice;
 * strangers, who write and hear plain text, are shut out now and then unless it is calm.
 */
export function settings(
  { port, linePort, database, webhook }: Place,
  n: number,
  isCalm = false,
): z.input<typeof configSchema> {
  return {
    listen: `http://127.0.0.1:${port}`,
    sources: { lines: { lines: `tcp://127.0.0.1:${linePort}`, channel: 'room' } },
    store: `sqlite:${database}`,
    secret: SECRET,
    channels: {
      room: {
        history: { size: 1_000_000 + n },
        presence: true,
        subscribe: n % 5 === 4 && !isCalm ? 'users' : 'everyone',
        publish: n % 4 === 3 && !isCalm ? 'users' : 'everyone',
        maxData: 65_536 + n,
      },
      short: { history: { size: SHORT, ttl: `${7 + (n % 3)}d` }, publish: n % 2 ? 'users' : 'everyone' },
      'many:*': { publish: 'users', patterns: n % 2 === 0 },
      ...(n % 2 && { 'many:7': { publish: 'users', history: { size: 5_000 } } }),
      crowd: { history: { size: 10_000 }, publish: 'users' },
      [`other:${n}`]: {},
    },
    auth: n % 2 ? { jwt: { jwks: `http://127.0.0.1:1/${n}` } } : {},
    api: { keys: [{ name: `key ${n}`, key: 'k'.repeat(40), can: ['read'] }], maxBody: 100_000 + n },
    webhooks: [
      {
        url: webhook,
        secret: String(n % 7).repeat(32),
        events: ['published'],
        channels: n % 2 ? ['*'] : ['room'],
      },
      ...(n % 3 ? [{ url: `http://127.0.0.1:1/${n}`, secret: 'w'.repeat(32) }] : []),
    ],
    // The address of all is the same, and thousands come at once.
    limits: { queue: '64KiB', connectionsPerAddress: 10_000, connectsPerSecond: 100_000 },
    ping: '5s',
    drain: { spread: n },
    chat: false,
  };
}

/** A token (RFC 7519) for a user of this name. */
export function tokenOf(user: string): string {
  const text = [
    { alg: 'HS256', typ: 'JWT' },
    { sub: user, exp: Math.floor(Date.now() / 1000) + 86_400 },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}
