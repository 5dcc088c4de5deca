import { z } from 'zod';
import { DATABASE_FORMS, dialectOf } from '../../sources/index.ts';
import { text } from '../value-types/index.ts';

/** The address of a database, which may contain a password. */
export const databaseText = z
  .string()
  .refine((address) => dialectOf(address) !== undefined, { error: `must be ${DATABASE_FORMS}, with its database` })
  .meta({ allowed: DATABASE_FORMS, hidden: true });

/** A table in it. */
export const tableText = text(
  (name) => /^[^.]+(\.[^.]+)?$/.test(name),
  'a table, like zocalo_outbox or shop.zocalo_outbox',
);
