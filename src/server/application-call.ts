import type { Agent, IncomingMessage } from 'node:http';
import { nodeHttp, nodeHttps } from '../builtins.ts';
import { utf8 } from './http/index.ts';

/** Milliseconds for which an idle connection is kept: less than servers keep theirs (5,000 is common). */
const KEPT = 4_000;
/** Idle connections that are kept to one server. */
const MOST_KEPT = 32;
/** Bytes of an unwanted answer that are read to keep the connection. */
const MOST_DISCARDED = 65_536;

export interface ApplicationCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
  /** Aborts the call, even while the answer is read. */
  readonly signal: AbortSignal;
  /** Whether the call may be made twice, since its first try may have arrived. Default true. */
  readonly mayRepeat?: boolean;
}

const agents: { http?: Agent; https?: Agent } = {};

/**
 * Sends a POST to the application: events of the handlers and the webhooks. Redirects are not followed, since they would
 * send it to another address. The server may close a kept connection at the very moment of its next use; then the call is
 * made again on a new connection, if it may be repeated.
 *
 * @throws the network's error, or the reason of `signal`.
 */
export async function callApplication(call: ApplicationCall): Promise<ApplicationAnswer> {
  try {
    try {
      return await send(call, agentFor(call.url));
    } catch (error) {
      if (!(error instanceof KeptConnectionClosed) || call.signal.aborted || call.mayRepeat === false) throw error;
      return await send(call, false);
    }
  } catch (error) {
    throw reasonOf(error, call.signal);
  }
}

/** A status, and a body that must be read or discarded. */
export class ApplicationAnswer {
  readonly status: number;
  readonly #response: IncomingMessage;
  readonly #signal: AbortSignal;

  constructor(response: IncomingMessage, signal: AbortSignal) {
    this.status = response.statusCode!;
    this.#response = response;
    this.#signal = signal;
  }

  /** The body. @throws Error when it has more bytes than `most`; the message quotes nothing of it. */
  async text(most: number): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of this.#response as AsyncIterable<Buffer>) {
        size += chunk.length;
        // Leaving the loop ends the connection.
        if (size > most) throw new Error(`the answer has more than ${most} bytes`);
        chunks.push(chunk);
      }
    } catch (error) {
      throw reasonOf(error, this.#signal);
    }
    return utf8(Buffer.concat(chunks), 'the answer');
  }

  /** Reads the rest, so that the connection can be used again; closes the connection when the rest is long. */
  discard(): Promise<void> {
    let size = 0;
    return new Promise((resolve) => {
      this.#response
        .on('data', ({ length }: Buffer) => {
          size += length;
          if (size > MOST_DISCARDED) this.#response.destroy();
        })
        .on('error', () => {})
        .on('close', resolve);
    });
  }
}

class KeptConnectionClosed extends Error {}

/** `agent` false: on a new connection. */
function send({ url, headers, body, signal }: ApplicationCall, agent: Agent | false): Promise<ApplicationAnswer> {
  signal.throwIfAborted();
  const { request: start } = url.startsWith('https:') ? nodeHttps() : nodeHttp();
  return new Promise((resolve, reject) => {
    const request = start(url, {
      method: 'POST',
      headers: { ...headers, 'accept-encoding': 'identity' },
      agent,
      signal,
    });
    request
      .once('response', (response) => resolve(new ApplicationAnswer(response, signal)))
      .on('error', (cause) => reject(request.reusedSocket ? new KeptConnectionClosed(cause.message, { cause }) : cause))
      .end(body);
  });
}

function agentFor(url: string): Agent {
  const kind = url.startsWith('https:') ? 'https' : 'http';
  agents[kind] ??= new (kind === 'https' ? nodeHttps() : nodeHttp()).Agent({
    keepAlive: true,
    timeout: KEPT,
    maxFreeSockets: MOST_KEPT,
  });
  return agents[kind];
}

function reasonOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof KeptConnectionClosed ? error.cause : error;
}
