import { z } from 'zod';
import { commandOf } from '../../programs/index.ts';
import { isChannel, isPattern } from '../../protocol/index.ts';
import { channelOrPattern, durationOf, isWebAddress, secretText, text } from '../value-types/index.ts';
import { EVENTS } from './events.ts';
import { fastcgiAddress } from './fastcgi-address.ts';
import { isPassedOn, OWN_HEADERS } from './passed-headers.ts';

const method = text(
  (name) => isChannel(name) || isPattern(name),
  'a method like order.place, or a pattern like order.*',
);

const command = text((value) => {
  try {
    return commandOf(value).length > 0;
  } catch {
    return false;
  }
}, "a command like php worker.php, without what only a shell knows (or say so: ['sh', '-c', '…'])");

const handler = z.strictObject({
  events: z.array(z.enum(EVENTS)).min(1).describe('The events that it decides or is notified of.'),
  channels: z
    .union([channelOrPattern, z.array(channelOrPattern)])
    .optional()
    .describe('The channels whose subscribe, publish and unsubscribe it gets; the most specific pattern wins.'),
  methods: z
    .union([method, z.array(method)])
    .optional()
    .describe('The methods whose call it gets; the most specific pattern wins.'),
  url: text(
    (value) => isWebAddress(value) || fastcgiAddress(value) !== undefined,
    'an address like https://example.org/realtime.php, fcgi://127.0.0.1:9001/var/www/realtime.php or fcgi+unix:/run/php/php-fpm.sock:/var/www/realtime.php',
  )
    .optional()
    .describe('Is called with each event: by HTTP, or by FastCGI as a web server calls php-fpm.'),
  run: z
    .union([command, z.array(z.string()).min(1)])
    .optional()
    .describe('Is started, and gets the events on pipes: a command, never through a shell, or a list of words.'),
  workers: z.int().min(1).max(256).default(1).describe('How many processes of run there are.'),
  headers: z
    .array(text(isPassedOn, `a header that can be passed on, none of ${OWN_HEADERS.join(', ')}`))
    .default(['cookie', 'authorization'])
    .describe('Headers of the handshake that are passed on.'),
  secret: secretText.optional().describe('Signs what is sent by HTTP, as for webhooks: see docs/operations.md.'),
  timeout: durationOf({ least: '10ms', most: '5m' })
    .prefault('3s')
    .describe('How long the answer to one event may take; later, the client is asked to come back.'),
  waiting: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1_000)
    .describe('Events that wait at most; those beyond are answered with UNAVAILABLE.'),
});

export const handlers = z
  .record(
    text((name) => /^[\w-]{1,64}$/.test(name), 'a name of letters, digits, - and _'),
    handler,
  )
  .default({})
  .describe('Who decides in your application: see docs/handlers.md.');

export type HandlerConfig = z.output<typeof handler>;
