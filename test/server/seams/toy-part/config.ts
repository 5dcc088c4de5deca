import { z } from 'zod';

/** The toy's slice of the configuration: the key `toy`. */
export const toy = z
  .strictObject({
    greeting: z.string().default('hola').describe('What it says.'),
  })
  .prefault({})
  .describe('A toy.');

export type ToyConfig = z.output<typeof toy>;
