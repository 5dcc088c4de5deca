import { z } from 'zod';
import { STORES, storeForms, storeOf } from './stores.ts';

/** The address of a store, of one of the kinds in the table. */
export function storeText(stores = STORES) {
  const allowed = storeForms(stores);
  return (
    z
      .string()
      .refine((value) => storeOf(value, stores) !== undefined, { error: `must be ${allowed}` })
      // `store: memory:` is not valid YAML, and `memory` alone is clear.
      .transform((value) => (value in stores ? `${value}:` : value))
      .meta({ allowed })
  );
}

export const store = storeText()
  .default('sqlite:zocalo.db')
  .describe(`Where the channels' logs are stored: ${storeForms()}.`);
