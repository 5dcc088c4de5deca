import { isIP } from 'node:net';
import { z } from 'zod';
import { hostAdvice, normalHostName, normalOrigin, originAdvice } from '../../websocket/index.ts';

/** A text in the normal form that `normal` returns; `normal` throws for a text that can match nothing. */
function normalized(normal: (text: string) => string, advise: (text: string) => string, what: string, allowed: string) {
  return z
    .string()
    .transform((value, context): string => {
      try {
        return normal(value);
      } catch {
        const message = `must be ${what}, not ${JSON.stringify(value)}: ${advise(value)}`;
        context.issues.push({ code: 'custom', input: value, message });
        return z.NEVER;
      }
    })
    .meta({ allowed });
}

const origin = normalized(
  normalOrigin,
  originAdvice,
  'the origin of a page',
  "'same', '*', 'null', or an origin like https://example.org or https://*.example.org",
);
const host = normalized(
  normalHostName,
  hostAdvice,
  'a host name of this server',
  "'*', or a name like example.org or *.example.org",
);

/** A name for which a client can request a certificate: never an IP address (RFC 6066 §3). */
export const certificateName = host.refine((name) => name !== '*' && !isIP(name.replace(/^\[|\]$/g, '')), {
  error: 'must be a host name, like chat.example.org or *.example.org',
});

/** One or several origins. */
export const origins = z.union([origin, z.array(origin)]);
/** One or several valid names. */
export const hosts = z.union([host, z.array(host).min(1, { error: "must name one host at least, or be '*'" })]);
