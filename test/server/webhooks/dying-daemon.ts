import { memory } from '../../../src/broker/index.ts';
import { Hub } from '../../../src/hub/index.ts';
import { configSchema } from '../../../src/server/config/index.ts';
import { Webhooks } from '../../../src/server/webhooks/index.ts';

/** Publishes three times to a webhook, and waits to be killed. Arguments: URL, secret, file. */
const [url, secret, file] = process.argv.slice(2);
const hub = new Hub({ broker: memory() });
const { webhooks } = configSchema.parse({ webhooks: [{ url, secret, events: ['published'] }] });
const log = { info() {}, warn() {}, error: console.error };
await new Webhooks(hub, webhooks, { log, file }).open();
for (const n of [1, 2, 3]) await hub.publish('news', n);
setInterval(() => {}, 60_000);
