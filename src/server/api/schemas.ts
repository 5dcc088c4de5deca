import { z } from 'zod';
import { isChannel, isPattern, JsonText, LIMITS } from '../../protocol/index.ts';
import { channelName } from '../value-types/index.ts';

/** The requests and answers of the HTTP API. The OpenAPI document is generated from these. */

/** Any JSON. It is passed on unread. */
const data = z
  .custom<JsonText>((value) => value instanceof JsonText, { error: 'is missing' })
  .describe('Any JSON value.');

const key = z
  .string()
  .min(1)
  .max(LIMITS.key)
  .describe('Makes a retry harmless: the same data with the same key is stored once.');

const keep = z.boolean().describe('False: only those connected now receive it, and it is not stored. Default true.');

const event = z.string().min(1).max(LIMITS.event).describe('What kind of publication it is: subscribers see it.');

export const position = z
  .tuple([z.string(), z.int().nonnegative()])
  .readonly()
  .describe("A position in a channel's log: the log's epoch, and the offset.");

export const publishBody = z.strictObject({
  channel: channelName,
  data,
  key: key.optional(),
  event: event.optional(),
  keep: keep.optional(),
  except: z.string().optional().describe('The id of a connection that does not receive it.'),
});

export const published = z.strictObject({ at: position.optional().describe('Absent with keep: false.') });

export const eraseBody = z.strictObject({ channel: channelName, at: position.describe('Of the publication.') });

export const replaceBody = z.strictObject({ channel: channelName, at: position.describe('Of the publication.'), data });

export const edited = z.strictObject({ at: position.describe('Of the entry that tells the readers.') });

export const failure = z
  .strictObject({
    code: z.string().describe('Stable: match this.'),
    message: z.string().describe('A sentence for people.'),
    retryAfter: z.number().optional().describe('Milliseconds after which the same request may succeed.'),
    reason: z
      .string()
      .optional()
      .describe('The cause, for programs, where one code has several: for example RIGHT_MISSING.'),
    details: z
      .unknown()
      .optional()
      .describe('More, for programs. For BAD_DATA and BAD_MESSAGE: issues, each with path, message and expected.'),
  })
  .describe('Why a request was refused.');

/** Publications in one request. */
export const MOST = 1_000;

export const broadcastBody = z.strictObject({
  channels: z.array(channelName).min(1).max(MOST),
  data,
  key: key.optional(),
  event: event.optional(),
  keep: keep.optional(),
});

export const broadcasted = z.strictObject({
  published: z.array(z.union([published.extend({ channel: z.string() }), failure.extend({ channel: z.string() })])),
});

export const batchBody = z.array(publishBody).min(1).max(MOST);
/** Each part is checked by itself, so that an invalid one does not affect the others. */
export const looseBatch = z.array(z.unknown()).min(1).max(MOST);
export const batched = z.array(z.union([published, failure])).describe('An answer for each, in the same order.');

/** A number in a query, where everything is text. */
export const count = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: 'must be a whole number' })
    .transform(Number)
    .refine((value) => value >= 1 && value <= most, { error: `must be from 1 to ${most}` });

const after = z.string().optional().describe('The last name of the page before.');
const HERE = 'Only this node. Default: all of them.';
const inQuery = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true')
  .optional()
  .describe(HERE);
const inBody = z.boolean().optional().describe(HERE);
const missing = z
  .array(z.string())
  .readonly()
  .optional()
  .describe('The nodes that did not answer in time: what they have is not in this answer.');
const page = { limit: count(1_000).optional().describe('Default 100.'), after, onlyHere: inQuery };
export const next = z.string().optional().describe('Present when there is more: send it as `after`.');

export const historyQuery = z.strictObject({
  channel: channelName,
  at: z
    .string()
    .regex(/^[^:]{1,64}:\d{1,16}$/, { error: 'must be a position, epoch:offset' })
    .transform((text): [string, number] => {
      const colon = text.indexOf(':');
      return [text.slice(0, colon), Number(text.slice(colon + 1))];
    })
    .optional()
    .describe('A position, epoch:offset: the page starts after it. Default: the oldest.'),
  limit: count(LIMITS.credit).optional().describe('Default 256.'),
});

export const meta = z.looseObject({
  key: z.string().optional(),
  event: z.string().optional(),
  user: z.string().optional(),
  time: z.number().optional().describe('Milliseconds since 1970.'),
  erased: z.literal(true).optional().describe('Its data was erased, and is null.'),
  replaced: z.literal(true).optional().describe('It has other data than when it was published.'),
  erases: z.int().optional().describe('It tells that the publication with this offset was erased.'),
  replaces: z.int().optional().describe('It tells that the publication with this offset has its data now.'),
});

export const history = z.strictObject({
  epoch: z.string(),
  oldest: z.int(),
  head: z.int(),
  gap: z.literal(true).optional().describe('What came directly after `at` is no longer stored.'),
  entries: z.array(z.tuple([z.int(), z.unknown(), meta])),
});

export const channelQuery = z.strictObject({ channel: channelName });

const member = z.strictObject({ id: z.string(), data: z.unknown().optional() });
export const presence = z.strictObject({ count: z.int(), members: z.array(member).optional() });

export const channelsQuery = z.strictObject({
  pattern: z
    .string()
    .refine((text) => isChannel(text) || isPattern(text), {
      error: 'is neither a channel nor a pattern, like chat:*',
      params: { code: 'BAD_CHANNEL' },
    })
    .optional()
    .describe('Default: all of them.'),
  ...page,
});

export const channels = z.strictObject({
  channels: z.array(
    z.strictObject({
      channel: z.string(),
      subscribers: z.int(),
      members: z.int().describe('Members in the presence list; 0 where presence is off.'),
    }),
  ),
  next,
  missing,
});

export const pageQuery = z.strictObject(page);
export const hereQuery = z.strictObject({ onlyHere: inQuery });

export const connection = z.strictObject({
  id: z.string(),
  user: z.string().optional(),
  since: z.number().describe('Milliseconds since 1970.'),
  channels: z.array(z.string()),
  address: z.string().optional(),
});

export const connections = z.strictObject({ connections: z.array(connection), next, missing });
export const users = z.strictObject({
  users: z.array(z.strictObject({ id: z.string(), connections: z.int(), since: z.number() })),
  next,
  missing,
});
export const user = z.strictObject({ id: z.string(), online: z.boolean(), connections: z.array(connection), missing });

export const sendBody = z.strictObject({ data, onlyHere: inBody });
export const callBody = z.strictObject({
  method: z.string().min(1).max(LIMITS.method).describe('A method that clients of the user answer.'),
  data: data.optional().describe('Any JSON value. Default null.'),
  timeout: z.int().min(1).max(300_000).optional().describe('Milliseconds for the answer. Default 10,000.'),
  onlyHere: inBody,
});
export const called = z.strictObject({ result: z.unknown().describe('What the client has answered.') });
export const subscribeBody = z.strictObject({ channel: channelName, onlyHere: inBody });
export const unsubscribeBody = z.strictObject({ channel: channelName, onlyHere: inBody });
export const revokeBody = z.strictObject({
  message: z.string().max(100).optional().describe('A sentence for the client.'),
});
export const reasonBody = revokeBody.extend({ onlyHere: inBody });
export const refreshBody = z.strictObject({ user: z.string().min(1), onlyHere: inBody });
export const reached = z.strictObject({
  connections: z.int().describe('How many connections it affected.'),
  missing,
});

export const loginBody = z.strictObject({
  user: z.string().min(1).max(255),
  password: z.string().min(1).max(1_024),
});
export const loggedIn = z.strictObject({
  user: z.string(),
  token: z.string().describe('Send it in `hi`, or as ?token= of /sse.'),
  expiresIn: z.number().optional().describe('Milliseconds.'),
});

export const whoami = z.strictObject({
  address: z.string().describe('The IP address of the caller, as the server sees it; empty on the Unix socket.'),
  forwarding: z
    .enum(['none', 'believed', 'ignored'])
    .describe(
      'Whether a proxy named the client: none did; one from the key `proxies` did (believed); another did (ignored).',
    ),
  proto: z.enum(['http', 'https']),
  host: z.string().optional(),
  key: z.string().optional().describe('The name of the API key.'),
});
