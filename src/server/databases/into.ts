import { z } from 'zod';
import type { ZocaloError } from '../../errors.ts';
import { rowTemplate } from '../../sources/index.ts';
import { bytesOf } from '../value-types/index.ts';
import { databaseName } from './names.ts';
import { tableText } from './texts.ts';

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** A table that publications are written to. */
export const into = z.strictObject({
  database: databaseName.describe('The database: its name in databases, or its address.'),
  table: tableText.describe('The table: its name, or schema.name.'),
  columns: z
    .record(z.string().min(1), value)
    .superRefine((columns, context) => {
      try {
        rowTemplate(columns);
        if (Object.keys(columns).length === 0) context.addIssue({ code: 'custom', message: 'must have a column' });
      } catch (error) {
        const { happened, advice } = error as ZocaloError;
        context.addIssue({ code: 'custom', message: `is not right: ${happened}; ${advice}` });
      }
    })
    .meta({ allowed: 'a map of columns, like {badge: "{badge}", at: "{time}"}', whole: true })
    .describe(
      "What is written to each column, like {badge: '{badge}', at: '{time}'}: fields of the data, or channel, time, user, key, offset or data of the publication; '{note?}' may be missing.",
    ),
  rows: z
    .int()
    .positive()
    .default(1_000_000)
    .describe('How many publications may wait while the database is away; then further ones are refused.'),
  bytes: bytesOf({ least: '64KiB' }).prefault('256MiB').describe('How many bytes of data may wait, likewise.'),
});

export type IntoConfig = z.output<typeof into>;
