export { Backlog, type News } from './backlog.ts';
export { Delivery, type Receiver } from './delivery.ts';
export { signatureOf } from './signature.ts';
export { TownWebhooks } from './town-webhooks.ts';
export { Webhooks, type WebhooksOptions } from './webhooks.ts';
