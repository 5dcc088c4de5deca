import { z } from 'zod';

export const admin = z.boolean().default(true).describe('The admin page at /admin, for API keys that can admin.');
