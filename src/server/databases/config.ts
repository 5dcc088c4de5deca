import { z } from 'zod';
import { databaseNameText } from './names.ts';
import { databaseText } from './texts.ts';

export const databases = z
  .record(databaseNameText, databaseText)
  .default({})
  .describe('Databases by names of yours, which sources, sinks and the login may use in place of an address.');
