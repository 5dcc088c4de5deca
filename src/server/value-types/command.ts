import { z } from 'zod';
import type { ZocaloError } from '../../errors.ts';
import { commandOf } from '../../programs/index.ts';

/** A command of `commandOf`: a text without what only a shell knows, or a list of words. */
export const command = z
  .union([z.string(), z.array(z.string()).min(1)])
  .superRefine((words, context) => {
    try {
      commandOf(words);
    } catch (error) {
      const { happened, advice } = error as ZocaloError;
      context.addIssue({ code: 'custom', message: `is not a command: ${happened}; ${advice}` });
    }
  })
  .meta({ allowed: "a command like php worker.php, or a list of words like ['sh', '-c', '…']" });
