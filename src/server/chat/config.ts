import { z } from 'zod';

export const chat = z.boolean().default(true).describe('The demo chat at /.');
