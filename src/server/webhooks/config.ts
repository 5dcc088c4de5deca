import { z } from 'zod';
import { channelOrPattern, duration, secretText, webAddress } from '../value-types/index.ts';

const webhook = z.strictObject({
  url: webAddress.describe('The URL to which events are sent, as JSON in a POST.'),
  secret: secretText.describe('Signs the body: see docs/operations.md.'),
  events: z
    .array(z.enum(['online', 'offline', 'occupied', 'vacated', 'published']))
    .default(['online', 'offline', 'occupied', 'vacated'])
    .describe('Which events are sent.'),
  channels: z.array(channelOrPattern).default(['*']).describe('The channels whose events are sent.'),
  debounce: duration
    .prefault('1s')
    .describe('A user or channel that leaves and returns within this time causes no events.'),
});

export const webhooks = z.array(webhook).default([]).describe('Where your application is notified of events.');
export type WebhookConfig = z.output<typeof webhook>;
