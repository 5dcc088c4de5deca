import { z } from 'zod';
import { STORES, storeForms, storeOf } from './stores.ts';

/** A store by its address, as the rows of a table have them. */
export function storeText(stores = STORES) {
  const allowed = storeForms(stores);
  return (
    z
      .string()
      .refine((value) => storeOf(value, stores) !== undefined, { error: `must be ${allowed}` })
      // `store: memory:` is no YAML, and `memory` alone leaves no doubt.
      .transform((value) => (value in stores ? `${value}:` : value))
      .meta({ allowed })
  );
}

export const store = storeText().default('sqlite:zocalo.db').describe(`Where the logs live: ${storeForms()}.`);
