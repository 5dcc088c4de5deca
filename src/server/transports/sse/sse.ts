import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Hub } from '../../../hub/index.ts';
import { LIMITS, ProtocolError } from '../../../protocol/index.ts';
import { type Origins, UpgradeRequest } from '../../../websocket/index.ts';
import { answer, check, failureOf } from '../../http/index.ts';
import type { AddressLimits } from '../../limits/index.ts';
import type { OnRefused } from '../../refusal-reasons.ts';
import { channelName } from '../../value-types/index.ts';
import { type OpenStreams, StreamFanOut } from '../index.ts';
import { parseEventId } from './event-id.ts';
import { EventStream, type StreamOptions } from './event-stream.ts';

/** Channels of one stream: the positions of all of them stand in each event's id. */
const CHANNELS = 64;

/** What pages of other origins may send (those that `origins` lets in), to be asked before by their browser. */
const PREFLIGHT = {
  Allow: 'GET',
  'Access-Control-Allow-Methods': 'GET',
  'Access-Control-Allow-Headers': 'Authorization, Last-Event-ID, Cache-Control',
  'Access-Control-Max-Age': '600', // seconds, as for the API
};

/** What is not known is passed over, unlike in the API: polyfills and caches add members of their own. */
const querySchema = z.object({
  channel: z.array(channelName).min(1, { error: 'name one: /sse?channel=news' }),
  token: z.string().min(1).max(LIMITS.token).optional(),
  since: z.string().optional(),
  recent: z
    .string()
    .regex(/^\d{1,5}$/, { error: 'must be a whole number' })
    .transform(Number)
    .refine((count) => count <= LIMITS.credit, { error: `must be at most ${LIMITS.credit}` })
    .optional(),
  presence: z.enum(['true', 'false']).optional(),
  meta: z.enum(['true', 'false']).optional(),
});

export interface EventsOptions {
  readonly hub: Hub;
  readonly origins: Origins;
  /** Streams at a time. */
  readonly most: number;
  readonly addressLimits: AddressLimits | undefined;
  readonly onRefused: OnRefused;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly report: (what: string, cause: unknown) => void;
  /** Where each stream stands while it is open. */
  readonly streams: OpenStreams;
}

/** `GET /sse`: Server-Sent Events, for readers that cannot have a WebSocket. */
export class Events {
  readonly #options: EventsOptions;
  readonly #fanOut = new StreamFanOut();

  constructor(options: EventsOptions) {
    this.#options = options;
    options.hub.addFanOut(this.#fanOut);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { hub, origins, addressOf } = this.#options;
    request.resume();
    const refusal = origins.refusalOf(request.headers);
    const { origin } = request.headers;
    if (origin !== undefined && !refusal) {
      response.setHeader('Access-Control-Allow-Origin', origins.any ? '*' : origin);
      if (!origins.any) response.setHeader('Access-Control-Allow-Credentials', 'true');
      response.setHeader('Vary', 'Origin');
    }
    try {
      if (request.method !== 'GET' && request.method !== 'OPTIONS') {
        response.setHeader('Allow', 'GET');
        throw new ProtocolError('METHOD_NOT_ALLOWED', '/sse takes GET');
      }
      if (refusal) {
        this.#options.onRefused('origin', addressOf(request), refusal.reason);
        throw new ProtocolError('FORBIDDEN', refusal.reason, undefined, 'ORIGIN');
      }
      if (request.method === 'OPTIONS') {
        response.writeHead(204, PREFLIGHT).end();
        return;
      }
      const address = addressOf(request);
      const options = optionsOf(request);
      const stream = new EventStream(response, this.#fanOut, options, (code, message, retryAfter) =>
        this.#refuse(response, new ProtocolError(code, message, retryAfter)),
      );
      if (!this.#enter(address, stream, response)) return;
      const connection = hub.connect(stream, new UpgradeRequest(request, address));
      response.once('close', this.#options.streams.add(connection));
      stream.start(connection);
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  /** The limits are those of WebSockets, which have a count of their own. */
  #enter(address: string, stream: EventStream, response: ServerResponse): boolean {
    const { most, streams, addressLimits, onRefused } = this.#options;
    const { req: request } = response;
    if (streams.size >= most) {
      const sentence = 'there are as many streams as may be';
      onRefused('full_or_closing', address, sentence);
      stream.refuse('UNAVAILABLE', sentence, undefined);
      return false;
    }
    const breach =
      addressLimits?.admit(request, response) ??
      addressLimits?.join(address, request.socket.remoteAddress ?? '', response);
    if (breach) {
      const sentence = 'too many connections come from your address';
      onRefused(breach.reason, address, sentence);
      stream.refuse('RATE_LIMITED', sentence, breach.retryAfter * 1_000);
      return false;
    }
    return true;
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const { status, headers, body } = failureOf(error, this.#options.report);
    answer(response, status, body, { headers });
  }
}

/**
 * Where the reader was: by the header, or by the member of the query that polyfills (and Mercure's clients) send, since
 * a page of another origin may send no header that it was not allowed. Both are newer than the page's own `since`.
 */
function lastEventId({ headers }: IncomingMessage, query: URLSearchParams): string | undefined {
  const header = headers['last-event-id'];
  if (typeof header === 'string' && header !== '') return header;
  return [...query].findLast(([name, id]) => /^last-?event-?id$/i.test(name) && id !== '')?.[1];
}

function optionsOf(request: IncomingMessage): StreamOptions {
  const url = request.url ?? '';
  const all = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '');
  // A browser's EventSource can send no header of its own, other programs can.
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { token = bearer, ...others } = Object.fromEntries(all);
  const query = { ...others, token, channel: all.getAll('channel') };
  const { channel, ...rest } = check(querySchema, query, 'the query');
  const channels = [...new Set(channel)].toSorted();
  if (channels.length > CHANNELS)
    throw new ProtocolError('TOO_MANY_SUBSCRIPTIONS', `a stream may have ${CHANNELS} channels`);
  const since = lastEventId(request, all) || rest.since || undefined;
  return {
    channels,
    token: rest.token,
    since: since === undefined ? undefined : parseEventId(since, channels.length),
    recent: rest.recent,
    presence: rest.presence === 'true',
    meta: rest.meta === undefined ? channels.length > 1 : rest.meta === 'true',
  };
}
