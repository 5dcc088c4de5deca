import { z } from 'zod';
import { isChannel, isPattern } from '../../protocol/index.ts';
import { isHttpAddress, isLineAddress, isNetwork, isWebAddress } from './addresses.ts';
import { isPassedOn, OWN_HEADERS } from './headers.ts';
import { certificateName, hosts, origins } from './places.ts';
import { bytes, bytesOf, dataSize, duration, durationOf, messageSize } from './units.ts';

/**
 * The daemon's configuration: every key, its default, and a sentence about it that `zocalo init` writes into the file
 * and docs/options.md repeats. What is not in here is an error.
 */

const channelOrPattern = z
  .string()
  .refine((name) => isChannel(name) || isPattern(name), {
    error: 'must be a channel, like chat:42, or a pattern, like chat:*',
  })
  .meta({ allowed: 'a channel, like chat:42, or a pattern, like chat:*' });
/** A header carries it as it is: no spaces, and nothing whose bytes depend on who writes it. */
const apiSecret = z
  .string()
  .regex(/^[\x21-\x7e]{32,}$/, {
    error: 'must have 32 characters or more, letters, digits and signs without spaces: zocalo init makes one',
  })
  .meta({ allowed: 'a text of 32 characters or more, without spaces', hidden: true });
const secret = z
  .string()
  .min(32, { error: 'must have 32 characters or more: zocalo init makes one' })
  .meta({ allowed: 'a text of 32 characters or more', hidden: true });

/** Schemes and hosts are the same in capitals. */
const inLowerCase = (text: string) => text.toLowerCase();

/** A text that `is` takes; `allowed` says which ones. */
function text(is: (value: string) => boolean, allowed: string) {
  return z
    .string()
    .refine(is, { error: `must be ${allowed}` })
    .meta({ allowed });
}
const address = text(isHttpAddress, 'an address like http://localhost:9000 or https://0.0.0.0').transform(inLowerCase);
const lineAddress = text(isLineAddress, 'an address like tcp://127.0.0.1:1337').transform(inLowerCase);
// `store: memory:` is no YAML, and `memory` alone leaves no doubt.
const store = text((value) => /^(memory:?|sqlite:.+)$/.test(value), 'sqlite:<file> or memory').transform((value) =>
  value === 'memory' ? 'memory:' : value,
);
const webAddress = text(isWebAddress, 'an address like https://example.org/hook, without user and password').transform(
  (value) => new URL(value).href,
);
const network = text(isNetwork, 'an address or network like 127.0.0.1 or 10.0.0.0/8');

/** Who may do something in a channel. */
export const WHO = ['everyone', 'users', 'granted', 'nobody'] as const;
const who = z.enum(WHO);

const channel = z.strictObject({
  history: z
    .union([
      z.literal(false),
      z.strictObject({
        size: z.int().min(0).default(1_000).describe('Publications that are kept.'),
        ttl: duration.prefault('7d').describe('How long they are kept.'),
      }),
    ])
    .prefault({})
    .describe('How much of the log is kept; false: nothing.'),
  presence: z
    .union([z.boolean(), z.literal('count')])
    .default(false)
    .describe("Who is here: true gives the members, 'count' only how many they are."),
  subscribe: who
    .default('everyone')
    .describe(
      'Who may listen and read the history: everyone, users (who are logged in), granted (whose token or key names the channel), nobody.',
    ),
  publish: who
    .default('nobody')
    .describe('Who may publish from a browser: as for subscribe. API keys have rights of their own.'),
  rate: z
    .number()
    .positive()
    .optional()
    .describe('Publications a second that one connection may make; twice that at once.'),
  maxData: dataSize.prefault('64KiB').describe('Bytes of the data of one publication.'),
  maxMember: bytes.prefault('2KiB').describe("Bytes of a member's data: everybody who comes is sent all of them."),
  maxMembers: bytes
    .prefault('256KiB')
    .describe('Size of the list of members beyond which only their number is told, until half of them are gone.'),
  slow: z
    .enum(['resume', 'latest', 'drop', 'close'])
    .default('resume')
    .describe('What becomes of a slow reader: resume (it gets the rest from the log), latest, drop, close.'),
  latestBy: z
    .string()
    .optional()
    .describe("With slow: latest, the member of the data that tells apart what is to be kept, like 'sensor'."),
  patterns: z
    .boolean()
    .default(false)
    .describe('Whether clients may subscribe to many of these channels by one pattern.'),
});

const jwt = z.strictObject({
  publicKey: z.string().optional().describe('The PEM text of the public key, or the path of its file.'),
  jwks: webAddress.optional().describe('Where the public keys are published (RFC 7517).'),
  algorithms: z
    .array(z.enum(['HS256', 'RS256', 'ES256', 'EdDSA']))
    .optional()
    .describe('The algorithms to accept. Default: those that fit the key.'),
  issuer: z.string().optional().describe('The claim iss must be this.'),
  audience: z.string().optional().describe('The claim aud must have this.'),
  leeway: duration.prefault('5s').describe('How far clocks may differ.'),
});

const login = z.strictObject({
  users: z.string().default('zocalo-users.db').describe('The SQLite file with the users table; see zocalo users.'),
  session: durationOf({ least: '1s' })
    .prefault('12h')
    .describe('How long the session token that a login gives is good.'),
  timeLimit: durationOf({ least: '10ms' }).prefault('5s').describe('How long the check of a password may take.'),
});

const hook = z.strictObject({
  url: webAddress.describe('Is called with the handshake of each visitor, and answers who they are.'),
  headers: z
    .array(text(isPassedOn, `a header that can be passed on, none of ${OWN_HEADERS.join(', ')}`))
    .default(['cookie', 'authorization'])
    .describe('Headers of the handshake that are passed on.'),
  // fetch itself waits five minutes.
  timeout: durationOf({ least: '10ms', most: '5m' })
    .prefault('3s')
    .describe('How long the answer may take; later, the visitor is asked to come back.'),
});

const webhook = z.strictObject({
  url: webAddress.describe('Is called with events, as JSON in a POST.'),
  secret: secret.describe('Signs the body: see docs/operations.md.'),
  events: z
    .array(z.enum(['online', 'offline', 'occupied', 'vacated', 'published']))
    .default(['online', 'offline', 'occupied', 'vacated'])
    .describe('What it is told of.'),
  channels: z.array(channelOrPattern).default(['*']).describe('The channels whose events it is told of.'),
  debounce: duration.prefault('1s').describe('A user or channel that goes and is back within this is no news.'),
});

export const RIGHTS = ['publish', 'read', 'users', 'admin'] as const;

const apiKey = z.strictObject({
  name: z.string().describe('For the logs.'),
  key: apiSecret.describe('What the caller sends as Authorization: Bearer.'),
  can: z
    .array(z.enum(RIGHTS))
    .default(['publish'])
    .describe(
      'publish; read (history, presence, channels, users); users (disconnect, refresh, revoke); admin (all of it, and the admin page).',
    ),
  channels: z
    .array(channelOrPattern)
    .default(['*'])
    .describe("The channels that it may publish to and read. A star does not mean the daemon's own, `zocalo:…`."),
});

const certificate = z.strictObject({
  cert: z.string().describe('The PEM file of the certificate and its chain.'),
  key: z.string().describe('The PEM file of its private key.'),
  names: z
    .array(certificateName)
    .default([])
    .describe('Host names that it is for; the first certificate is also for all others.'),
});

export const configSchema = z.strictObject({
  listen: z
    .union([address, z.array(address).min(1, { error: 'must name one address at least' })])
    .default('http://localhost:9000')
    .describe('Where pages, API and WebSockets are served: http://host:port, or https:// with tls.'),
  socket: z
    .string()
    .optional()
    .describe('Path of a Unix socket with the HTTP API for programs of this machine; its file mode (0660) is the key.'),
  lines: z
    .strictObject({
      listen: lineAddress.describe('Where to listen, as tcp://host:port.'),
      channel: channelOrPattern.describe('The one channel that the lines are for.'),
    })
    .optional()
    .describe(
      'Raw TCP for nc and devices: each line that comes is published to the channel, and its publications come as lines.',
    ),
  store: store.default('sqlite:zocalo.db').describe('Where the logs live: sqlite:<file>, or memory.'),
  secret: secret
    .optional()
    .describe('Signs the tokens of zocalo token and of logins (HS256); your application may sign with it too.'),
  channels: z
    .record(channelOrPattern, channel)
    .default({})
    .describe('Options by channel name or pattern; the most specific one counts, whole. Clients may use no others.'),
  auth: z
    .strictObject({
      anonymous: z.boolean().default(true).describe('Whether visitors without a token may come in.'),
      jwt: jwt.optional().describe('Tokens that somebody else signs.'),
      login: login.optional().describe('User and password, checked against a table.'),
      hook: hook.optional().describe('Your application says who a visitor is, by their cookies.'),
    })
    .prefault({})
    .describe('Who may come in.'),
  api: z
    .strictObject({
      keys: z.array(apiKey).default([]).describe('Who may call the HTTP API.'),
      cors: origins.default([]).describe('Origins whose pages may call the HTTP API: as in `origins`.'),
      maxBody: messageSize.prefault('1MiB').describe('Bytes of a request.'),
    })
    .prefault({})
    .describe('The HTTP API.'),
  webhooks: z.array(webhook).default([]).describe('What your application is told of.'),
  tls: z.array(certificate).default([]).describe('Certificates; their files are watched.'),
  proxies: z
    .array(network)
    .default([])
    .describe('Addresses and networks (10.0.0.0/8) of proxies whose X-Forwarded-For and Forwarded are believed.'),
  origins: origins
    .default('same')
    .describe(
      "Pages that may connect and log in, besides those of the same host: origins like https://example.org or https://*.example.org, or '*'.",
    ),
  hosts: hosts
    .default('*')
    .describe(
      "Names by which the server may be called, besides IP addresses and localhost: chat.example.org, *.example.org, or '*'.",
    ),
  limits: z
    .strictObject({
      connections: z.int().positive().default(100_000).describe('Connections at a time.'),
      connectionsPerAddress: z
        .int()
        .positive()
        .default(1_000)
        .describe('Connections of one client address, whatever they say or do not say: a large office may share one.'),
      connectsPerSecond: z
        .number()
        .positive()
        .default(50)
        .describe(
          'New WebSockets, streams and raw connections a second of one client address; four times that at once.',
        ),
      messagesPerSecond: z
        .number()
        .positive()
        .default(100)
        .describe('Lines a second of one connection; twice that at once.'),
      bytesPerSecond: bytesOf({ least: '1KiB' })
        .prefault('256KiB')
        .describe('Bytes a second of one connection; eight times that at once.'),
      subscriptions: z.int().positive().default(256).describe('Subscriptions of one connection.'),
      keys: z
        .int()
        .positive()
        .default(4_000_000)
        .describe(
          "Publications' keys that may be known at a time, some 60 bytes each. They are known for ten minutes.",
        ),
      maxMessage: messageSize.prefault('1MiB').describe('Bytes of the largest frame.'),
      queue: bytes.prefault('1MiB').describe('Bytes queued for a reader above which it is slow.'),
    })
    .prefault({})
    .describe('For the open internet. A breach is answered with a code, and counted in /metrics.'),
  ping: durationOf({ least: '1s' })
    .prefault('25s')
    .describe('Time between signs of life; under the 30 to 60 seconds after which proxies cut a silent line.'),
  keepAlive: duration
    .prefault('75s')
    .describe(
      'How long an HTTP connection stays open between two requests: longer than the proxy in front keeps its own (60 seconds is common), or it answers with 502 now and then.',
    ),
  linger: duration.prefault('5s').describe('How long somebody who lost their connection is still shown as here.'),
  drain: z
    .strictObject({
      deadline: duration.prefault('10s').describe('When SIGTERM came, the process is gone after this at the latest.'),
      spread: duration.prefault('10s').describe('Clients are told to come back at moments spread over this time.'),
    })
    .prefault({})
    .describe('How the daemon stops.'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('What is logged.'),
      form: z
        .enum(['auto', 'json', 'text'])
        .default('auto')
        .describe('auto: text on a terminal, JSON lines elsewhere.'),
    })
    .prefault({})
    .describe('Logs, on standard error.'),
  chat: z.boolean().default(true).describe('The demo chat at /.'),
  admin: z.boolean().default(true).describe('The admin page at /admin, for API keys that can admin.'),
});

/** What the daemon runs on: all defaults filled in, durations in milliseconds, sizes in bytes. */
export type Config = z.output<typeof configSchema>;
/** What may stand in a file: everything may be left out. */
export type ConfigInput = z.input<typeof configSchema>;
export type ChannelConfig = z.output<typeof channel>;
export type JwtConfig = z.output<typeof jwt>;
export type LoginConfig = z.output<typeof login>;
export type HookConfig = z.output<typeof hook>;
export type WebhookConfig = z.output<typeof webhook>;
export type ApiKeyConfig = z.output<typeof apiKey>;
export type CertificateConfig = z.output<typeof certificate>;
export type Who = (typeof WHO)[number];
export type ApiRight = (typeof RIGHTS)[number];
