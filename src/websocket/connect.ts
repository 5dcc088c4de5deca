import type { Buffer } from 'node:buffer';
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import { nodeHttp, nodeHttps } from '../builtins.ts';
import { systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { toZocaloError } from '../stream/index.ts';
import { Connection } from './connection.ts';
import { offerDeflate, readAnswer } from './core/deflate-negotiation.ts';
import { checkResponse, createKey, type Headers } from './core/handshake.ts';
import { MessageDeflate } from './deflate.ts';
import { FlushQueue } from './flush-queue.ts';
import { Inbox } from './inbox.ts';
import { type ConnectionLimits, type ConnectionOptions, connectionLimits } from './limits.ts';
import { checkOptions } from './option-checks.ts';
import { TimerWheel, tickFor } from './timer-wheel.ts';
import { webSocketAddress } from './url.ts';
import { WebSocketClient } from './websocket-client.ts';

export interface ClientOptions extends ConnectionOptions {
  /** Subprotocols to offer, the preferred one first. Default none. */
  readonly protocols?: readonly string[];
  /** Further headers of the handshake: `Origin`, `Authorization`, `Cookie`. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * For `wss://`: trusted authorities (`ca`, PEM), the client's own certificate (`cert`, `key`), and the expected name.
   */
  readonly tls?: Pick<
    import('node:tls').ConnectionOptions,
    'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'
  >;
  /** Milliseconds for the connection and the handshake together. Default 10,000; 0 for no limit. */
  readonly timeout?: number;
  /** Stops connecting; closes the connection if it is open already. */
  readonly signal?: AbortSignal;
}

/** Characters shown of the text with which a server refused. */
const SENTENCE = 300;

/** Shared by all clients of a thread. */
const flushQueue = new FlushQueue();

/**
 * Opens a WebSocket connection.
 * @throws ZocaloError, with the address in its message: BAD_ADDRESS, UNKNOWN_HOST, CONNECTION_REFUSED, TIMEOUT,
 *   ABORTED, CERTIFICATE_NOT_TRUSTED, HANDSHAKE_FAILED (with the status and text when the server refused), the other
 *   errors of opening a socket, and BAD_OPTION.
 */
export async function connectWebSocket(url: string | URL, options: ClientOptions = {}): Promise<WebSocketClient> {
  const address = webSocketAddress(url);
  checkOptions(options);
  const { protocols = [], timeout = 10_000, signal } = options;
  const limits = connectionLimits(options);
  const key = createKey();
  const late = timeout > 0 ? AbortSignal.timeout(timeout) : undefined;
  const waits = [late, signal].filter((wait) => wait !== undefined);
  const target: RequestOptions = {
    host: address.host,
    port: address.port,
    path: address.path,
    ...(waits.length > 0 ? { signal: AbortSignal.any(waits) } : {}),
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
    const upgraded = await upgrade(address.scheme === 'wss', target, String(url));
    const client = open(upgraded, key, protocols, limits, String(url));
    const abort = () => client.close(1001, 'aborted');
    signal?.addEventListener('abort', abort);
    client.closed.then(() => signal?.removeEventListener('abort', abort));
    return client;
  } catch (error) {
    if (late?.aborted)
      throw new ZocaloError('TIMEOUT', `${url} did not complete the handshake within ${timeout} ms`, { cause: error });
    throw inOurWords(error, String(url));
  }
}

interface Upgraded {
  readonly answer: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Sends the handshake; resolves when the server has switched protocols. */
function upgrade(secure: boolean, target: RequestOptions, url: string): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const request = (secure ? nodeHttps() : nodeHttp()).request(target);
    request.once('upgrade', (answer, socket, head) => resolve({ answer, socket, head }));
    request.once('response', (answer) => {
      let sentence = '';
      const refused = () => {
        const said = sentence.trim().split('\n')[0];
        const status = `${answer.statusCode} ${answer.statusMessage}`;
        reject(new ZocaloError('HANDSHAKE_FAILED', `${url} refused with ${status}${said ? ` (${said})` : ''}`));
        request.destroy();
      };
      const isText = /^text\/plain\b/.test(answer.headers['content-type'] ?? '');
      answer.setEncoding('utf8').on('end', refused).on('error', refused);
      answer.on('data', (text: string) => {
        if (isText) sentence = (sentence + text).slice(0, SENTENCE);
        if (!isText || sentence.length === SENTENCE) refused();
      });
    });
    request.on('error', reject);
    request.end();
  });
}

/** Checks the server's response, then speaks WebSocket on its socket. */
function open(
  { answer, socket, head }: Upgraded,
  key: string,
  protocols: readonly string[],
  limits: ConnectionLimits,
  url: string,
): WebSocketClient {
  const fail = (problem: string) => {
    socket.destroy();
    return new ZocaloError('HANDSHAKE_FAILED', `${url} did not complete the WebSocket handshake: ${problem}`);
  };
  const headers = answer.headers as Headers;
  const problem = checkResponse(headers, key, protocols);
  if (problem) throw fail(problem);
  const extensions = headers['sec-websocket-extensions'];
  const { compression } = limits;
  if (extensions !== undefined && !compression)
    throw fail(`it chose the extension ${extensions}, which was not offered`);
  const agreement = extensions !== undefined && compression ? readAnswer(String(extensions), compression) : null;
  if (agreement === false) throw fail(`its extensions ${extensions} do not fit the offer`);
  const deflate = agreement && compression ? new MessageDeflate(agreement, 'client', compression) : null;
  const inbox = new Inbox(limits);
  const { pingInterval, pongTimeout, idleTimeout, closeTimeout } = limits;
  const wheel = new TimerWheel(systemClock, tickFor(pingInterval, pongTimeout, idleTimeout, closeTimeout));
  const connection = new Connection(socket, 'client', inbox, { flushQueue, limits, wheel }, deflate);
  inbox.attach(connection);
  const client = new WebSocketClient(connection, inbox, String(headers['sec-websocket-protocol'] ?? ''));
  connection.start(head);
  return client;
}

function inOurWords(error: unknown, url: string): ZocaloError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code.startsWith('HPE_'))
    return new ZocaloError('HANDSHAKE_FAILED', `${url} does not speak HTTP: ${message}`, { cause: error });
  if (code === 'ERR_INVALID_CHAR' || code === 'ERR_INVALID_HTTP_TOKEN')
    return new ZocaloError('BAD_OPTION', `the handshake with ${url} has an invalid header: ${message}`, {
      advice: 'look at `headers` and `protocols`',
      cause: error,
    });
  return toZocaloError(error, url);
}
