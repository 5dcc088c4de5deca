import { z } from 'zod';
import { isChannel, isPattern, JsonText, LIMITS } from '../../protocol/index.ts';
import { channelName } from '../value-types/index.ts';

/** What is said to the HTTP API and by it. The OpenAPI document is made of these. */

/** Anything may stand there, and nothing of it is read. */
const data = z
  .custom<JsonText>((value) => value instanceof JsonText, { error: 'is missing' })
  .describe('Anything that JSON can say.');

const key = z
  .string()
  .min(1)
  .max(LIMITS.key)
  .describe('Makes a repetition harmless: with the same key, the same data is stored once.');

const keep = z.boolean().describe('False passes it on to who is there now, and stores nothing. Default true.');

export const position = z
  .tuple([z.string(), z.int().nonnegative()])
  .readonly()
  .describe("A place in a channel's log: its epoch, and the offset in it.");

export const publishBody = z.strictObject({
  channel: channelName,
  data,
  key: key.optional(),
  keep: keep.optional(),
  except: z.string().optional().describe('The id of a connection that is left out.'),
});

export const published = z.strictObject({ at: position.optional().describe('Absent with keep: false.') });

export const failure = z
  .strictObject({
    code: z.string().describe('Never changes: match this.'),
    message: z.string().describe('A sentence for people.'),
    retryAfter: z.number().optional().describe('Milliseconds after which the same request may succeed.'),
    reason: z.string().optional().describe('Why, for programs, where one code has several causes: RIGHT_MISSING, say.'),
  })
  .describe('Why a request was refused.');

/** What one request may publish. */
export const MOST = 1_000;

export const broadcastBody = z.strictObject({
  channels: z.array(channelName).min(1).max(MOST),
  data,
  key: key.optional(),
  keep: keep.optional(),
});

export const broadcasted = z.strictObject({
  published: z.array(z.union([published.extend({ channel: z.string() }), failure.extend({ channel: z.string() })])),
});

export const batchBody = z.array(publishBody).min(1).max(MOST);
/** Each part is checked by itself, so that a bad one does not hurt the others. */
export const looseBatch = z.array(z.unknown()).min(1).max(MOST);
export const batched = z.array(z.union([published, failure])).describe('An answer for each, in the same order.');

/** Of a query, where everything is text. */
const count = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: 'must be a whole number' })
    .transform(Number)
    .refine((value) => value >= 1 && value <= most, { error: `must be from 1 to ${most}` });

const after = z.string().optional().describe('What came last on the page before.');
const page = { limit: count(1_000).optional().describe('Default 100.'), after };
const next = z.string().optional().describe('There is more: ask for what comes after this.');

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
    .describe('A position, epoch:offset: what came after it. Default: from the oldest.'),
  limit: count(LIMITS.credit).optional().describe('Default 256.'),
});

const meta = z.looseObject({
  key: z.string().optional(),
  user: z.string().optional(),
  time: z.number().optional().describe('Milliseconds since 1970.'),
});

export const history = z.strictObject({
  epoch: z.string(),
  oldest: z.int(),
  head: z.int(),
  gap: z.literal(true).optional().describe('What came directly after `at` is no longer there.'),
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
      subscribers: z.int().describe('On this node.'),
      members: z.int().describe('Who is shown as here; 0 where there is no presence.'),
    }),
  ),
  next,
});

export const pageQuery = z.strictObject(page);

export const connection = z.strictObject({
  id: z.string(),
  user: z.string().optional(),
  since: z.number().describe('Milliseconds since 1970.'),
  channels: z.array(z.string()),
  address: z.string().optional(),
});

export const connections = z.strictObject({ connections: z.array(connection), next });
export const users = z.strictObject({
  users: z.array(z.strictObject({ id: z.string(), connections: z.int(), since: z.number() })),
  next,
});
export const user = z.strictObject({ id: z.string(), online: z.boolean(), connections: z.array(connection) });

export const sendBody = z.strictObject({ data });
export const reasonBody = z.strictObject({
  message: z.string().max(100).optional().describe('A sentence for the client.'),
});
export const refreshBody = z.strictObject({ user: z.string().min(1) });
export const reached = z.strictObject({ connections: z.int().describe('How many connections that was.') });

export const loginBody = z.strictObject({
  user: z.string().min(1).max(255),
  password: z.string().min(1).max(1_024),
});
export const loggedIn = z.strictObject({
  user: z.string(),
  token: z.string().describe('Say it in `hi`, or as ?token= of /sse.'),
  expiresIn: z.number().optional().describe('Milliseconds.'),
});

export const whoami = z.strictObject({
  address: z.string().describe('The IP address that the server has for the caller; empty on the Unix socket.'),
  forwarding: z
    .enum(['none', 'believed', 'ignored'])
    .describe('Whether a proxy says for whom it asks, and is one of the key `proxies`.'),
  proto: z.enum(['http', 'https']),
  host: z.string().optional(),
  key: z.string().optional().describe('The name of the API key.'),
});
