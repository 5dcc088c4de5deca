export { Backlog, type News } from './backlog.ts';
export { ClusterWebhooks } from './cluster-webhooks.ts';
export { Delivery, type Receiver } from './delivery.ts';
export { signatureOf } from './signature.ts';
export { Webhooks, type WebhooksOptions } from './webhooks.ts';
