import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { nodeHttp, nodeHttps, nodeTls } from '../builtins.ts';
import { type Code, type JsonText, ProtocolError } from '../protocol/index.ts';
import { toZocaloError } from '../stream/index.ts';

/** How a command reaches the daemon. */
export interface Endpoint {
  /** `http://127.0.0.1:9000`. */
  readonly url: string;
  /** The path of its Unix socket, which is preferred, and needs no key. */
  readonly socket?: string | undefined;
  readonly key?: string | undefined;
  /** Certificates of authorities to trust besides the well-known ones, in PEM form. */
  readonly ca?: string | undefined;
}

export interface Answer {
  readonly response: IncomingMessage;
  readonly body: string;
  /** The address of our end of the connection. */
  readonly localAddress: string | undefined;
}

/** In milliseconds, for the whole call. */
const TIMEOUT = 10_000;

/** A GET, or a POST of `body`. @throws ZocaloError when the daemon cannot be reached. */
export async function ask({ url, socket, key, ca }: Endpoint, path: string, body?: JsonText): Promise<Answer> {
  const request = (url.startsWith('https:') ? nodeHttps() : nodeHttp()).request(new URL(path, url), {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(socket !== undefined && { socketPath: socket }),
    ...(ca !== undefined && { ca: [...nodeTls().getCACertificates(), ca] }),
    agent: false,
    signal: AbortSignal.timeout(TIMEOUT),
  });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject);
      request.end(body?.text);
    });
    const { localAddress } = response.socket; // gone after the end
    return { response, body: await text(response), localAddress };
  } catch (error) {
    throw toZocaloError(error, socket === undefined ? url : `unix:${socket}`);
  }
}

/** For `JSON.parse`: a number with more digits than JavaScript keeps is written again as it came. */
const exactly = (_: string, value: unknown, context?: { readonly source?: string }) => {
  const source = context?.source;
  const isExact = typeof value !== 'number' || source === undefined || String(value) === source;
  return isExact ? value : (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source);
};

/** The answer of the HTTP API. @throws ProtocolError with the daemon's own code when it refuses. */
export async function callDaemon(endpoint: Endpoint, path: string, body?: JsonText): Promise<unknown> {
  const { response, body: answer } = await ask(endpoint, path, body);
  let value: { code?: Code; message?: string } | undefined;
  try {
    value = JSON.parse(answer, exactly as Parameters<typeof JSON.parse>[1]);
  } catch {}
  const { statusCode } = response;
  if (statusCode === 200 && value !== undefined) return value;
  // Refused before it reached the API: for its host, or by the limits of an address.
  if (statusCode === 421 || (statusCode === 429 && value === undefined))
    throw new ProtocolError('UNAVAILABLE', `${endpoint.url} answers with ${statusCode}: ${answer.trim()}`);
  throw new ProtocolError(
    value?.code ?? 'UNAVAILABLE',
    value?.message ?? `${endpoint.url} answers with ${statusCode}, and is not zocalo serve`,
  );
}
