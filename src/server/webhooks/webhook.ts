import { compileGrant, type Taken } from '../../hub/index.ts';
import { isChannel } from '../../protocol/index.ts';
import { callApplication } from '../application-call.ts';
import type { WebhookConfig } from '../config/index.ts';
import type { Receiver } from './delivery.ts';
import { signatureOf } from './signature.ts';

/** How long the receiver may take to answer, in milliseconds. */
const TIMEOUT = 10_000;

/** A webhook as a receiver: a page is a signed POST, which a status 2xx acknowledges. `now`: milliseconds since 1970. */
export function webhookAt({ url, secret }: WebhookConfig, now: () => number): Receiver {
  return {
    id: url,
    kind: 'webhook',
    place: placeOf(url),
    take: async ({ events, first, last, missed }, signal) => {
      const gap = missed > 0 ? `"missed":${missed},` : '';
      const list = events.map(({ version, event }) => `{"version":${version},${event.slice(1)}`);
      const body = `{"id":"${first}-${last}","version":${last},${gap}"events":[${list.join()}]}`;
      const answer = await callApplication({
        url,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'zocalo',
          'x-zocalo-signature': signatureOf(secret, Math.floor(now() / 1_000), body),
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
      });
      // Only the status matters.
      await answer.discard();
      if (answer.status < 200 || answer.status > 299) throw new Error(`it answers with status ${answer.status}`);
    },
  };
}

/** Whether a webhook wants events of a channel: never those of the server's own channels. */
export function wantsOf({ channels }: Pick<WebhookConfig, 'channels'>): (channel: string) => boolean {
  const grants = channels.map(compileGrant);
  return (channel) => isChannel(channel) && grants.some((matches) => matches(channel));
}

/** The event of a publication, as JSON. `at`: milliseconds since 1970. */
export function publishedText(
  { channel, data, position, user }: Pick<Taken, 'channel' | 'data' | 'position' | 'user'>,
  at: number,
): string {
  // The data is JSON already.
  return `${JSON.stringify({ type: 'published', channel, position, user, at }).slice(0, -1)},"data":${data}}`;
}

/** A URL without user, password and query, which may contain secrets. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
