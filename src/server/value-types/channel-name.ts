import { z } from 'zod';
import { channelFault, isChannel } from '../../protocol/index.ts';

export const channelName = z
  .string()
  .refine(isChannel, {
    error: ({ input }) => channelFault(String(input)),
    params: { code: 'BAD_CHANNEL' },
  })
  .describe('The name of a channel, like chat:42.');
