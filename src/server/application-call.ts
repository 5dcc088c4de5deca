import type { Agent, IncomingMessage } from 'node:http';
import { nodeHttp, nodeHttps } from '../builtins.ts';
import { utf8 } from './http/index.ts';

/** Milliseconds for which a connection is kept for the next call: less than servers keep theirs (5,000 is common). */
const KEPT = 4_000;
/** Connections that are kept to one server. */
const MOST_KEPT = 32;
/** Bytes of an answer that are read only to keep the connection. */
const MOST_DISCARDED = 65_536;

export interface ApplicationCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
  /** Ends the call, also while the answer is read. */
  readonly signal: AbortSignal;
}

const agents: { http?: Agent; https?: Agent } = {};

/**
 * Sends a POST to the application: the hook's questions, the webhooks' events. Redirects are not followed, since another
 * address would get what is sent. The server may close a connection that was kept from an earlier call at the moment in
 * which it is used again; then the call is made once more, on a new connection. So it must be one that may come twice.
 *
 * @throws what the network says, or the reason of `signal`.
 */
export async function callApplication(call: ApplicationCall): Promise<ApplicationAnswer> {
  try {
    try {
      return await send(call, agentFor(call.url));
    } catch (error) {
      if (!(error instanceof KeptConnectionClosed) || call.signal.aborted) throw error;
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

  /** The body, unless it has more bytes than `most`. @throws Error, which quotes nothing of it. */
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

  /** Reads the rest, so that the next call has the connection, or ends it where there is more than that is worth. */
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

/** `agent` false: on a connection of its own. */
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
