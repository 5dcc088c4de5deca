import type { Buffer } from 'node:buffer';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { parseAddress, toZocaloError } from '../stream/index.ts';
import type { QueueVerdict } from './backpressure.ts';
import { Connection, type ConnectionEvents, type Message } from './connection.ts';
import { offerDeflate, readAnswer } from './core/deflate-negotiation.ts';
import { checkResponse, createKey, type Headers } from './core/handshake.ts';
import { MessageDeflate } from './deflate.ts';
import { type ConnectionLimits, type ConnectionOptions, connectionLimits } from './limits.ts';
import { checkNumbers } from './option-checks.ts';
import { Peer } from './peer.ts';
import { TimerWheel, tickFor } from './timer-wheel.ts';
import { Turn } from './turn.ts';

export interface ClientOptions extends ConnectionOptions {
  /** Subprotocols to offer, the preferred one first. Default none. */
  readonly protocols?: readonly string[];
  /** Further headers of the handshake: `Origin`, `Authorization`, `Cookie`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For `wss://`: whom to trust (`ca`, PEM), what to show (`cert`, `key`), and what name to expect. */
  readonly tls?: Pick<
    import('node:tls').ConnectionOptions,
    'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'
  >;
  /** Milliseconds for the connection and the handshake together. Default 10,000. */
  readonly timeout?: number;
  /** Gives up connecting; a connection that is open already is closed. */
  readonly signal?: AbortSignal;
}

/** How a connection ended. 1006: it was lost, and `error` may say why. */
export interface CloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly error: ZocaloError | null;
}

/** Messages that wait for a program that does not read them; then the server is held back by TCP. */
const INBOX = 64;

/**
 * The client's end of a WebSocket connection. Its messages are read with `for await`, which ends when the connection
 * does; a slow reader slows the server down, not this process.
 */
export class WebSocketClient extends Peer implements AsyncIterable<Message> {
  /** Resolves when the connection is over; never rejects. */
  readonly closed: Promise<CloseEvent>;
  readonly #inbox: Inbox;

  /** Use `connectWebSocket`. */
  constructor(connection: Connection, inbox: Inbox, protocol: string) {
    super(connection, protocol);
    this.#inbox = inbox;
    this.closed = inbox.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return { next: () => this.#inbox.next(), return: () => this.#inbox.giveUp() };
  }
}

/** Keeps messages until they are asked for. */
class Inbox implements ConnectionEvents {
  readonly closed: Promise<CloseEvent>;
  readonly #messages: Message[] = [];
  readonly #readers: ((result: IteratorResult<Message>) => void)[] = [];
  readonly #queuePolicy: QueueVerdict;
  #connection: Connection | null = null;
  #full = false;
  #over = false;
  #resolve: (event: CloseEvent) => void = () => {};

  constructor(limits: ConnectionLimits) {
    this.#queuePolicy = limits.queuePolicy;
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  attach(connection: Connection): void {
    this.#connection = connection;
  }

  onMessage(message: Message): void {
    const reader = this.#readers.shift();
    if (reader) {
      reader({ value: message, done: false });
      return;
    }
    this.#messages.push(message);
    if (this.#messages.length < INBOX || this.#full) return;
    this.#full = true;
    this.#connection?.pause();
  }

  onClosed(code: number, reason: string, error: ZocaloError | null): void {
    this.#over = true;
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
    this.#resolve({ code, reason, error });
  }

  onGone(): void {}

  onQueueFull(): QueueVerdict {
    return this.#queuePolicy;
  }

  next(): Promise<IteratorResult<Message>> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      if (this.#full && this.#messages.length === 0) {
        this.#full = false;
        this.#connection?.resume();
      }
      return Promise.resolve({ value: message, done: false });
    }
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** The loop was left: the connection ends with it, as with any other stream. */
  giveUp(): Promise<IteratorResult<Message>> {
    this.#messages.length = 0;
    this.#connection?.close();
    return Promise.resolve({ value: undefined, done: true });
  }
}

/**
 * Opens a WebSocket connection.
 * @throws ZocaloError with the address in its sentence: BAD_ADDRESS, UNKNOWN_HOST, CONNECTION_REFUSED, TIMEOUT,
 *   ABORTED, CERTIFICATE_NOT_TRUSTED, HANDSHAKE_FAILED (with the status, when the server refused) and others of
 *   the stream floor.
 */
export async function connectWebSocket(url: string | URL, options: ClientOptions = {}): Promise<WebSocketClient> {
  const address = parseAddress(url);
  if (address.scheme !== 'ws' && address.scheme !== 'wss')
    throw new ZocaloError('UNKNOWN_SCHEME', `${url} is not a WebSocket address`, { advice: 'use ws:// or wss://' });
  checkNumbers(options);
  const { protocols = [], timeout = 10_000, signal } = options;
  const limits = connectionLimits(options);
  const key = createKey();
  const waits: AbortSignal[] = [AbortSignal.timeout(timeout)];
  if (signal) waits.push(signal);
  const target: RequestOptions = {
    host: address.host,
    port: address.port,
    path: address.path,
    signal: AbortSignal.any(waits),
    agent: false,
    ...options.tls,
    headers: {
      ...options.headers,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
      ...(protocols.length > 0 ? { 'Sec-WebSocket-Protocol': protocols.join(', ') } : {}),
      ...(limits.compression ? { 'Sec-WebSocket-Extensions': offerDeflate(limits.compression) } : {}),
    },
  };
  try {
    const { answer, socket, head } = await upgrade(address.scheme === 'wss', target);
    const fail = (problem: string) => {
      socket.destroy();
      return new ZocaloError('HANDSHAKE_FAILED', `${url} did not become a WebSocket: ${problem}`);
    };
    const headers = answer.headers as Headers;
    const problem = checkResponse(headers, key, protocols);
    if (problem) throw fail(problem);
    const extensions = headers['sec-websocket-extensions'];
    const { compression } = limits;
    if (extensions !== undefined && !compression)
      throw fail(`it chose the extension ${extensions}, which was not offered`);
    const agreement = extensions !== undefined && compression ? readAnswer(String(extensions), compression) : null;
    if (agreement === false) throw fail(`its answer ${extensions} is not allowed for what was offered`);
    const deflate = agreement && compression ? new MessageDeflate(agreement, 'client', compression) : null;
    const inbox = new Inbox(limits);
    const around = {
      turn,
      limits,
      wheel: new TimerWheel(
        systemClock,
        tickFor(limits.pingInterval, limits.pongTimeout, limits.idleTimeout, limits.closeTimeout),
      ),
    };
    const connection = new Connection(socket, 'client', inbox, around, deflate);
    inbox.attach(connection);
    const client = new WebSocketClient(connection, inbox, String(headers['sec-websocket-protocol'] ?? ''));
    const abort = () => client.close(1001, 'aborted');
    signal?.addEventListener('abort', abort);
    client.closed.then(() => signal?.removeEventListener('abort', abort));
    connection.start(head);
    return client;
  } catch (error) {
    if (waits[0]!.aborted)
      throw new ZocaloError('TIMEOUT', `${url} did not complete the handshake within ${timeout} ms`, { cause: error });
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code.startsWith('HPE_'))
      throw new ZocaloError('HANDSHAKE_FAILED', `${url} does not speak HTTP: ${message}`, { cause: error });
    if (code === 'ERR_INVALID_CHAR' || code === 'ERR_INVALID_HTTP_TOKEN')
      throw new ZocaloError('BAD_OPTION', `the handshake with ${url} cannot be written: ${message}`, {
        advice: 'look at `headers` and `protocols`',
        cause: error,
      });
    throw toZocaloError(error, String(url));
  }
}

/** The clients of a thread share one. */
const turn = new Turn();

interface Upgraded {
  readonly answer: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

function upgrade(secure: boolean, target: RequestOptions): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const request = secure ? httpsRequest(target) : httpRequest(target);
    request.once('upgrade', (answer, socket, head) => resolve({ answer, socket, head }));
    request.once('response', (answer) => {
      request.destroy();
      reject(
        new ZocaloError(
          'HANDSHAKE_FAILED',
          `${secure ? 'wss' : 'ws'}://${target.host}:${target.port}${target.path} refused with ${answer.statusCode} ${answer.statusMessage}`,
        ),
      );
    });
    request.on('error', reject);
    request.end();
  });
}
