import { callApplication } from '../../../application-call.ts';
import { signatureOf } from '../../../webhooks/index.ts';
import type { Headers } from '../../event.ts';
import type { Post } from '../calls.ts';

export interface HttpOptions {
  readonly url: string;
  /** Signs what is sent, like a webhook. */
  readonly secret?: string | undefined;
  /** Names of headers of the handshake that are passed on. */
  readonly headers: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Events as POSTs to a web server. */
export function overHttp({ url, secret, headers: names, now }: HttpOptions): Post {
  return async ({ name, text, headers }, { signal, most }) => {
    const answer = await callApplication({
      url,
      headers: {
        ...passedOn(names, headers),
        'content-type': 'application/json',
        ...(secret !== undefined && { 'x-zocalo-signature': signatureOf(secret, Math.floor(now() / 1_000), text) }),
      },
      body: text,
      signal,
      // The others may change something, and the client knows best whether to repeat them.
      mayRepeat: name !== 'publish' && name !== 'call',
    });
    if (answer.status === 200) return { status: 200, text: await answer.text(most) };
    void answer.discard();
    return { status: answer.status, text: '' };
  };
}

/** The headers that are configured, with the names that stand there. */
export function passedOn(names: readonly string[], headers: Headers): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name.toLowerCase()];
    if (value !== undefined) passed[name] = value;
  }
  return passed;
}
