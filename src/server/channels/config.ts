import { z } from 'zod';
import { into } from '../databases/index.ts';
import { bytes, channelOrPattern, dataSize, duration } from '../value-types/index.ts';

/** Who may do something in a channel. */
export const WHO = ['everyone', 'users', 'granted', 'nobody'] as const;
const who = z.enum(WHO);

const channel = z.strictObject({
  history: z
    .union([
      z.literal(false),
      z.strictObject({
        size: z.int().min(0).default(1_000).describe('How many publications are kept.'),
        ttl: duration.prefault('7d').describe('How long they are kept.'),
      }),
    ])
    .prefault({})
    .describe('How much of the log is kept; false: nothing.'),
  presence: z
    .union([z.boolean(), z.literal('count')])
    .default(false)
    .describe("Who is present: true gives the members, 'count' only their number."),
  subscribe: who
    .default('everyone')
    .describe(
      'Who may listen and read the history: everyone, users (who are logged in), granted (whose token or key names the channel), or nobody.',
    ),
  publish: who
    .default('nobody')
    .describe('Who may publish from a browser, as for subscribe. API keys have their own rights.'),
  rate: z
    .number()
    .positive()
    .optional()
    .describe('Publications per second that one connection may make, on average; bursts of twice as many.'),
  maxData: dataSize.prefault('64KiB').describe('Largest data of one publication, in bytes.'),
  maxMember: bytes
    .prefault('2KiB')
    .describe('Largest data of a member, in bytes: each newcomer is sent the data of all members.'),
  maxMembers: bytes
    .prefault('256KiB')
    .describe('Largest list of members. While it is larger, and until it has halved, only their number is sent.'),
  slow: z
    .enum(['resume', 'latest', 'drop', 'close'])
    .default('resume')
    .describe(
      'What happens to a slow reader: resume (it gets the rest from the log), latest (it gets only the newest), drop (it misses some), or close.',
    ),
  latestBy: z
    .string()
    .optional()
    .describe(
      "With slow: latest, keep the newest publication for each value of this member of the data, for example 'sensor'.",
    ),
  into: into.optional().describe('A table that publications are written to, as for sinks.'),
  patterns: z
    .boolean()
    .default(false)
    .describe('Whether clients may subscribe to many of these channels by one pattern.'),
});

export const channels = z
  .record(channelOrPattern, channel)
  .default({})
  .describe(
    'Options by channel name or pattern; the most specific entry applies, alone. Clients can use no other channels.',
  );
export const linger = duration
  .prefault('5s')
  .describe('How long a member who lost their connection is still shown as present.');

export type ChannelConfig = z.output<typeof channel>;
export type Who = (typeof WHO)[number];
