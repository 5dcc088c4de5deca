import { z } from 'zod';
import { duration } from '../value-types/index.ts';

export const drain = z
  .strictObject({
    deadline: duration.prefault('10s').describe('How long the process may take to stop after SIGTERM.'),
    spread: duration.prefault('10s').describe('Clients are told to reconnect at random moments within this time.'),
  })
  .prefault({})
  .describe('How the daemon stops.');

export const log = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('The least severe level that is logged.'),
    form: z.enum(['auto', 'json', 'text']).default('auto').describe('auto: text on a terminal, JSON lines elsewhere.'),
  })
  .prefault({})
  .describe('Logs, on standard error.');
