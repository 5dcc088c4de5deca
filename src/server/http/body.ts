import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../clock.ts';
import { ProtocolError } from '../../protocol/index.ts';
import { jsonFault } from './json-error-position.ts';
import { utf8 } from './utf8.ts';

/**
 * The whole body of a request as text.
 * @throws ProtocolError TOO_LARGE as soon as it is known to have more than `limit` bytes; BAD_MESSAGE when it is not
 * UTF-8, or is cut off.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const body = await readBytes(request, limit);
  try {
    return utf8(body, 'the body');
  } catch (error) {
    throw new ProtocolError('BAD_MESSAGE', (error as Error).message);
  }
}

/** The same as bytes. */
export function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = () => {
      stop();
      reject(new ProtocolError('TOO_LARGE', `the body has more than ${limit} bytes`));
    };
    const chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) tooLarge();
      else chunks.push(chunk);
    };
    const end = () => {
      stop();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    };
    const cut = () => {
      stop();
      reject(new ProtocolError('BAD_MESSAGE', 'the body was cut off'));
    };
    const stop = () => request.off('data', take).off('end', end).off('error', cut).off('close', cut);
    if (Number(request.headers['content-length']) > limit) tooLarge();
    else if (request.destroyed) cut();
    else request.on('data', take).on('end', end).on('error', cut).on('close', cut);
  });
}

/** @throws ProtocolError BAD_MESSAGE, with line and column. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (text.trim() === '') throw new ProtocolError('BAD_MESSAGE', 'the body is empty: send JSON');
    const { line, column } = jsonFault(text);
    throw new ProtocolError('BAD_MESSAGE', `the body is not JSON: see line ${line}, column ${column}`);
  }
}

/** How much of a refused body is read and discarded at most: bytes, and milliseconds. */
const DISCARDED = { bytes: 16 << 20, time: 1_000 };

/**
 * Goes on reading a refused body, so that its sender gets the answer: data that arrives at a closed socket causes a
 * reset, which may overtake the answer. Resolves when the connection may be closed.
 */
export function discardBody(request: IncomingMessage, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (request.destroyed) return resolve();
    const end = () => {
      cancel();
      request.off('data', count).off('close', end);
      resolve();
    };
    const cancel = clock.after(DISCARDED.time, end);
    let length = 0;
    const count = (chunk: Buffer) => {
      length += chunk.length;
      if (length > DISCARDED.bytes) end();
    };
    request.on('data', count).on('close', end);
  });
}
