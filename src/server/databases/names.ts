import { z } from 'zod';
import { DATABASE_FORMS, dialectOf } from '../../sources/index.ts';
import { text } from '../value-types/index.ts';

const isName = (value: string) => /^[\w-]{1,64}$/.test(value);

/** The name of an entry of the key `databases`. */
export const databaseNameText = text(isName, 'a name of 1 to 64 letters, digits, - and _');

/** A name of the key `databases`, or an address, which may contain a password. */
export const databaseName = z
  .string()
  .refine((value) => isName(value) || dialectOf(value) !== undefined, {
    error: `must be a name of databases, or ${DATABASE_FORMS}, with its database`,
  })
  .meta({ allowed: `a name of databases, or ${DATABASE_FORMS}`, hidden: true });
