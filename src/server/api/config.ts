import { z } from 'zod';
import { channelOrPattern, messageSize, origins } from '../value-types/index.ts';

/** It is sent unescaped in a header: no spaces, and no characters whose encoding may vary. */
const apiSecret = z
  .string()
  .regex(/^[\x21-\x7e]{32,}$/, {
    error: 'must have 32 characters or more, letters, digits and signs without spaces: zocalo init makes one',
  })
  .meta({ allowed: 'a text of 32 characters or more, without spaces', hidden: true });

export const RIGHTS = ['publish', 'read', 'edit', 'users', 'sinks', 'admin'] as const;

const apiKey = z.strictObject({
  name: z.string().describe('For the logs.'),
  key: apiSecret.describe('What the caller sends as Authorization: Bearer.'),
  can: z
    .array(z.enum(RIGHTS))
    .default(['publish'])
    .describe(
      'publish; read (history, presence, channels, users); edit (erase and replace what was published); users (disconnect, refresh, revoke); sinks (list, retry and drop what they set aside); admin (all of these, and the admin page).',
    ),
  channels: z
    .array(channelOrPattern)
    .default(['*'])
    .describe(
      "The channels that it may publish to, read and edit, and of which it sees what sinks set aside. A star does not cover the daemon's own, `zocalo:…`.",
    ),
});

export const api = z
  .strictObject({
    keys: z.array(apiKey).default([]).describe('The API keys: who may call the HTTP API.'),
    cors: origins.default([]).describe('Origins whose pages may call the HTTP API, written as in `origins`.'),
    maxBody: messageSize.prefault('1MiB').describe('Largest body of a request, in bytes.'),
  })
  .prefault({})
  .describe('The HTTP API.');
export type ApiKeyConfig = z.output<typeof apiKey>;
export type ApiRight = (typeof RIGHTS)[number];
