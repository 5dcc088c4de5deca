import { z } from 'zod';
import { channelName, command, duration } from '../value-types/index.ts';

const program = z.strictObject({
  run: command.describe('The command, never through a shell: a text, or a list of words.'),
  linger: duration.prefault('10s').describe('How long it runs on after the last subscriber has left.'),
  json: z
    .boolean()
    .default(false)
    .describe('Whether a line that is JSON is published as that data. Otherwise each line is a text.'),
  stdin: z
    .boolean()
    .default(false)
    .describe('Whether what others publish in the channel also goes to its stdin, as lines.'),
});

export const programs = z
  .record(channelName, z.union([command.transform((run) => program.parse({ run })), program]))
  .default({})
  .describe('The program of a channel, or a map: its lines are published there while somebody listens.');

export type ChannelProgramConfig = z.output<typeof program>;
