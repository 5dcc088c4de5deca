import { z } from 'zod';
import { count, meta, next } from './schemas.ts';

/** The requests and answers about sinks, and what they have set aside. */

export const sinks = z.strictObject({
  sinks: z.array(
    z.strictObject({
      name: z.string(),
      ok: z.boolean(),
      error: z.string().optional().describe('The code of the error for which nothing is written.'),
      waiting: z.int().optional().describe('Publications that wait. Absent until it was counted.'),
      aside: z.int().optional().describe('Publications that the table refused.'),
      lag: z.number().optional().describe('Seconds since the oldest that waits was published.'),
    }),
  ),
});

export const asideQuery = z.strictObject({
  limit: count(1_000).optional().describe('Default 100.'),
  after: z
    .string()
    .regex(/^\d{1,16}$/, { error: 'must be the number of a place' })
    .transform(Number)
    .optional()
    .describe('The `next` of the page before.'),
});

export const asideRows = z.strictObject({
  rows: z.array(
    z.strictObject({
      place: z.int().describe('By which it is named, until it is tried again.'),
      channel: z.string(),
      offset: z.int(),
      time: z.number().describe('When it was published, in milliseconds since 1970.'),
      reason: z.string().describe('Why the table refused it.'),
      data: z.unknown(),
      meta: meta.optional(),
    }),
  ),
  next,
});

const places = z.array(z.int().positive()).min(1).max(10_000);
export const retryBody = z.strictObject({ places: places.optional().describe('Default: all.') });
export const dropBody = z.union([z.strictObject({ places }), z.strictObject({ all: z.literal(true) })]);
export const rowsChanged = z.strictObject({ rows: z.int().describe('How many rows it affected.') });
