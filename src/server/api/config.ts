import { z } from 'zod';
import { channelOrPattern, messageSize, origins } from '../value-types/index.ts';

/** A header carries it as it is: no spaces, and nothing whose bytes depend on who writes it. */
const apiSecret = z
  .string()
  .regex(/^[\x21-\x7e]{32,}$/, {
    error: 'must have 32 characters or more, letters, digits and signs without spaces: zocalo init makes one',
  })
  .meta({ allowed: 'a text of 32 characters or more, without spaces', hidden: true });

export const RIGHTS = ['publish', 'read', 'users', 'admin'] as const;

const apiKey = z.strictObject({
  name: z.string().describe('For the logs.'),
  key: apiSecret.describe('What the caller sends as Authorization: Bearer.'),
  can: z
    .array(z.enum(RIGHTS))
    .default(['publish'])
    .describe(
      'publish; read (history, presence, channels, users); users (disconnect, refresh, revoke); admin (all of it, and the admin page).',
    ),
  channels: z
    .array(channelOrPattern)
    .default(['*'])
    .describe("The channels that it may publish to and read. A star does not mean the daemon's own, `zocalo:…`."),
});

export const api = z
  .strictObject({
    keys: z.array(apiKey).default([]).describe('Who may call the HTTP API.'),
    cors: origins.default([]).describe('Origins whose pages may call the HTTP API: as in `origins`.'),
    maxBody: messageSize.prefault('1MiB').describe('Bytes of a request.'),
  })
  .prefault({})
  .describe('The HTTP API.');
export type ApiKeyConfig = z.output<typeof apiKey>;
export type ApiRight = (typeof RIGHTS)[number];
