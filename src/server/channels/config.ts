import { z } from 'zod';
import { bytes, channelOrPattern, dataSize, duration } from '../value-types/index.ts';

/** Who may do something in a channel. */
export const WHO = ['everyone', 'users', 'granted', 'nobody'] as const;
const who = z.enum(WHO);

const channel = z.strictObject({
  history: z
    .union([
      z.literal(false),
      z.strictObject({
        size: z.int().min(0).default(1_000).describe('Publications that are kept.'),
        ttl: duration.prefault('7d').describe('How long they are kept.'),
      }),
    ])
    .prefault({})
    .describe('How much of the log is kept; false: nothing.'),
  presence: z
    .union([z.boolean(), z.literal('count')])
    .default(false)
    .describe("Who is here: true gives the members, 'count' only how many they are."),
  subscribe: who
    .default('everyone')
    .describe(
      'Who may listen and read the history: everyone, users (who are logged in), granted (whose token or key names the channel), nobody.',
    ),
  publish: who
    .default('nobody')
    .describe('Who may publish from a browser: as for subscribe. API keys have rights of their own.'),
  rate: z
    .number()
    .positive()
    .optional()
    .describe('Publications a second that one connection may make; twice that at once.'),
  maxData: dataSize.prefault('64KiB').describe('Bytes of the data of one publication.'),
  maxMember: bytes.prefault('2KiB').describe("Bytes of a member's data: everybody who comes is sent all of them."),
  maxMembers: bytes
    .prefault('256KiB')
    .describe('Size of the list of members beyond which only their number is told, until half of them are gone.'),
  slow: z
    .enum(['resume', 'latest', 'drop', 'close'])
    .default('resume')
    .describe('What becomes of a slow reader: resume (it gets the rest from the log), latest, drop, close.'),
  latestBy: z
    .string()
    .optional()
    .describe("With slow: latest, the member of the data that tells apart what is to be kept, like 'sensor'."),
  patterns: z
    .boolean()
    .default(false)
    .describe('Whether clients may subscribe to many of these channels by one pattern.'),
});

export const channels = z
  .record(channelOrPattern, channel)
  .default({})
  .describe('Options by channel name or pattern; the most specific one counts, whole. Clients may use no others.');
export const linger = duration
  .prefault('5s')
  .describe('How long somebody who lost their connection is still shown as here.');

export type ChannelConfig = z.output<typeof channel>;
export type Who = (typeof WHO)[number];
