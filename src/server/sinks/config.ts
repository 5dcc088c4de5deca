import { z } from 'zod';
import { into } from '../databases/index.ts';
import { channelOrPattern, text } from '../value-types/index.ts';

const sink = z.strictObject({
  from: z
    .union([channelOrPattern, z.array(channelOrPattern).min(1)])
    .transform((from) => [from].flat())
    .meta({ allowed: 'a channel, like gate, a pattern, like door:*, or a list of them' })
    .describe('Whose publications are written: a channel, a pattern, or a list of them.'),
  into: into.describe('Where they are written.'),
});

const sinkName = text((name) => /^[\w-]{1,64}$/.test(name), 'a name of 1 to 64 letters, digits, - and _');

export const sinks = z
  .record(sinkName, sink)
  .default({})
  .describe('What is written from channels to tables, by a name of yours: see docs/databases.md.');
