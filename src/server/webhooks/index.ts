export { signatureOf } from './signature.ts';
export { Webhooks, type WebhooksOptions } from './webhooks.ts';
