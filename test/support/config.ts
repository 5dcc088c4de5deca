import type { z } from 'zod';
import { type Config, configSchema } from '../../src/server/config/index.ts';

export const API_KEY = 'k'.repeat(40);
export const ADMIN_KEY = 'a'.repeat(40);

export type ConfigInput = z.input<typeof configSchema>;

/** A configuration for tests: a free port, nothing on the disk, and the keys above, unless the input says otherwise. */
export function configOf(input: ConfigInput = {}): Config {
  return configSchema.parse({
    listen: 'http://127.0.0.1:0',
    store: 'memory:',
    api: {
      keys: [
        { name: 'test', key: API_KEY, can: ['publish', 'read', 'edit', 'users', 'sinks'] },
        { name: 'admin', key: ADMIN_KEY, can: ['admin'] },
      ],
    },
    ...input,
  });
}
