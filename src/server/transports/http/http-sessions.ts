import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../clock.ts';
import type { Hub } from '../../../hub/index.ts';
import { ProtocolError } from '../../../protocol/index.ts';
import { type Hosts, type Origins, UpgradeRequest } from '../../../websocket/index.ts';
import { answer, discardBody, failureOf, readBody } from '../../http/index.ts';
import type { AddressLimits } from '../../limits/index.ts';
import type { OnRefused } from '../../refusal-reasons.ts';
import { comeBack, StreamFanOut } from '../index.ts';
import { HttpSession, type HttpSessionOptions } from './http-session.ts';
import { FIRST_LINE, parseSaid } from './said.ts';

export interface HttpSessionsOptions extends Omit<HttpSessionOptions, 'fanOut' | 'remoteAddress'> {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly hosts: Hosts;
  readonly origins: Origins;
  /** Bytes of the lines of one request. */
  readonly maxMessage: number;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly addressLimits: AddressLimits | undefined;
  /** Whether there are as many connections as may be. */
  readonly isFull: () => boolean;
  readonly onRefused: OnRefused;
  readonly report: (what: string, cause: unknown) => void;
}

/** A request of the fallback: to any path, with this member in the query. */
const QUERY = /[?&]zocalo=/;

/**
 * `zocalo.1` without WebSockets, for networks that block them. A session is opened by a POST that accepts
 * `text/event-stream`: the events are the server's frames, and the first one has the session's id. What the client says
 * comes by further POSTs with that id. To the hub it is a connection like any other.
 */
export class HttpSessions {
  readonly #options: HttpSessionsOptions;
  readonly #fanOut = new StreamFanOut();
  readonly #sessions = new Map<string, HttpSession>();
  /** Bytes of those that are gone. */
  readonly #gone = { received: 0, sent: 0 };
  #removeFanOut = (): void => {};
  #isClosing = false;

  constructor(options: HttpSessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** What went over all of them so far, and what waits. */
  get traffic(): { received: number; sent: number; queued: number; slow: number } {
    const sum = { ...this.#gone, queued: 0, slow: 0 };
    for (const { received, sent, queued, isQueueFull } of this.#sessions.values()) {
      sum.received += received;
      sum.sent += sent;
      sum.queued += queued;
      if (isQueueFull) sum.slow++;
    }
    return sum;
  }

  open(): void {
    this.#removeFanOut = this.#options.hub.addFanOut(this.#fanOut);
  }

  /** Answers a request of the fallback. False: it is another. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    if (!QUERY.test(request.url ?? '')) return false;
    const { origin, accept = '' } = request.headers;
    try {
      this.#checkPlace(request);
      if (origin !== undefined) {
        response.setHeader('Access-Control-Allow-Origin', origin);
        // As with a WebSocket, the page's cookies come along.
        response.setHeader('Access-Control-Allow-Credentials', 'true');
        response.setHeader('Vary', 'Origin');
      }
      if (request.method !== 'POST') {
        response.setHeader('Allow', 'POST');
        throw new ProtocolError('METHOD_NOT_ALLOWED', 'a session without a WebSocket takes POST');
      }
      if (accept.includes('text/event-stream')) this.#open(request, response);
      else void this.#say(request, response);
    } catch (error) {
      this.#refuse(response, error);
    }
    return true;
  }

  /** Takes no more, and tells each client to come back within `spread` milliseconds, at a random moment. */
  async close(spread: number, random: () => number): Promise<void> {
    this.#isClosing = true;
    const all = [...this.#sessions.values()];
    for (const session of all) session.end(comeBack(spread, random));
    await Promise.all(all.map((session) => session.flushed()));
  }

  /** Cuts off those who have not taken the last event. */
  destroy(): void {
    this.#removeFanOut();
    for (const session of this.#sessions.values()) session.destroy();
  }

  /** The same as for a WebSocket: a foreign page must not come with the cookies of its visitor. */
  #checkPlace(request: IncomingMessage): void {
    const { hosts, origins, addressOf, onRefused } = this.#options;
    const host = hosts.refusalOf(request.headers.host);
    const refusal = host ?? origins.refusalOf(request.headers);
    if (!refusal) return;
    onRefused(host ? 'host' : 'origin', addressOf(request), refusal.reason);
    throw new ProtocolError('FORBIDDEN', refusal.reason, undefined, host ? undefined : 'ORIGIN');
  }

  #open(request: IncomingMessage, response: ServerResponse): void {
    const { hub, addressOf, addressLimits, onRefused, isFull } = this.#options;
    request.resume(); // there is nothing in it
    const remoteAddress = addressOf(request);
    if (this.#isClosing || isFull()) {
      const sentence = this.#isClosing ? 'the server is closing' : 'the server is full';
      onRefused('full_or_closing', remoteAddress, sentence);
      throw new ProtocolError('UNAVAILABLE', sentence);
    }
    const breach = addressLimits?.join(remoteAddress, request.socket.remoteAddress ?? '', response);
    if (breach) {
      const sentence = 'too many connections come from your address';
      onRefused(breach.reason, remoteAddress, sentence);
      throw new ProtocolError('RATE_LIMITED', sentence, breach.retryAfter * 1_000);
    }
    const session = new HttpSession(response, { ...this.#options, remoteAddress, fanOut: this.#fanOut });
    this.#sessions.set(session.id, session);
    response.once('close', () => {
      this.#sessions.delete(session.id);
      this.#gone.received += session.received;
      this.#gone.sent += session.sent;
    });
    session.start(hub.connect(session, new UpgradeRequest(request, remoteAddress)));
  }

  async #say(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const said = parseSaid(await readBody(request, this.#options.maxMessage + FIRST_LINE));
      // The same answer for an id of somebody else's page as for one that never was.
      const session = this.#sessions.get(said.id);
      if (session?.origin !== request.headers.origin || !session)
        throw new ProtocolError('NO_SUCH_ROUTE', 'this server has no such session: open another one');
      // What comes while it closes is not answered any more, as with a WebSocket: clients say it again.
      if (!this.#isClosing && !session.take(said))
        throw new ProtocolError('BAD_MESSAGE', 'a request before this one did not arrive: open another session');
      response.writeHead(204, { 'Cache-Control': 'no-store' }).end();
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const { req: request } = response;
    const { status, headers, body } = failureOf(error, this.#options.report);
    // Close, or the unread body would be parsed as the next request.
    const until = request.complete ? undefined : discardBody(request, this.#options.clock);
    answer(response, status, body, { headers: until ? { ...headers, connection: 'close' } : headers, until });
  }
}
