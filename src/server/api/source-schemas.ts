import { z } from 'zod';
import { count, next } from './schemas.ts';

/** The requests and answers about sources and their devices. */

const failed = z.string().optional().describe('The code of what is wrong.');
const since1970 = z.number().describe('Milliseconds since 1970.');

export const sources = z.strictObject({
  sources: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(['database', 'listen', 'dial', 'file', 'mqtt', 'push', 'lines']),
      place: z.string().describe('An address, a path, or a kind of device.'),
      ok: z.boolean(),
      error: failed,
      message: z.string().optional().describe('What is wrong, or what was wrong last.'),
      failures: z.int().describe('How many times something failed or was wrong.'),
      connections: z.int().optional(),
      frames: z.int().optional().describe('Frames that devices have sent.'),
      published: z.int().optional().describe('Readings or rows that were published.'),
      refused: z.int().optional().describe('Frames and readings that were not taken, and connections refused.'),
      waiting: z.int().optional().describe('Readings that wait for the log, or rows in an outbox.'),
      lag: z.number().optional().describe('Seconds for which the oldest row has waited.'),
      aside: z.int().optional().describe('Rows that were set aside.'),
    }),
  ),
});

export const devicesQuery = z.strictObject({
  source: z.string().optional().describe('Of this source only.'),
  limit: count(1_000).optional().describe('Default 100.'),
  after: z.string().optional().describe('The `next` of the page before.'),
});

export const devices = z.strictObject({
  devices: z.array(
    z.strictObject({
      source: z.string(),
      device: z.string().describe('Its name.'),
      here: z.boolean().describe('Whether it is connected; for one of a broker, whether the broker is.'),
      address: z.string().optional().describe('Of its connection.'),
      lastSeen: since1970.optional().describe('When its last frame came, in milliseconds since 1970.'),
      frames: z.int().describe('Frames that it has sent.'),
      errors: z.int().describe('How many of these, and of their readings, were not taken.'),
      lastError: z.strictObject({ code: z.string(), message: z.string(), at: since1970 }).optional(),
    }),
  ),
  next,
});
