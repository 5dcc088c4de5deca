import { z } from 'zod';
import { channelOrPattern, duration, secretText, webAddress } from '../value-types/index.ts';

const webhook = z.strictObject({
  url: webAddress.describe('Is called with events, as JSON in a POST.'),
  secret: secretText.describe('Signs the body: see docs/operations.md.'),
  events: z
    .array(z.enum(['online', 'offline', 'occupied', 'vacated', 'published']))
    .default(['online', 'offline', 'occupied', 'vacated'])
    .describe('What it is told of.'),
  channels: z.array(channelOrPattern).default(['*']).describe('The channels whose events it is told of.'),
  debounce: duration.prefault('1s').describe('A user or channel that goes and is back within this is no news.'),
});

export const webhooks = z.array(webhook).default([]).describe('What your application is told of.');
export type WebhookConfig = z.output<typeof webhook>;
