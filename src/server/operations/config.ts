import { z } from 'zod';
import { duration } from '../value-types/index.ts';

export const drain = z
  .strictObject({
    deadline: duration.prefault('10s').describe('When SIGTERM came, the process is gone after this at the latest.'),
    spread: duration.prefault('10s').describe('Clients are told to come back at moments spread over this time.'),
  })
  .prefault({})
  .describe('How the daemon stops.');

export const log = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('What is logged.'),
    form: z.enum(['auto', 'json', 'text']).default('auto').describe('auto: text on a terminal, JSON lines elsewhere.'),
  })
  .prefault({})
  .describe('Logs, on standard error.');
