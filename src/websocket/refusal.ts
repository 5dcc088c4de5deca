import { Buffer } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { nodeHttp } from '../builtins.ts';
import type { Refusal } from './core/handshake.ts';

/** Milliseconds that a client has to read why it was refused. */
const LINGER = 5_000;

/** Answers an upgrade request with an error status and a reason, then closes the socket. */
export function refuse(socket: Duplex, { status, reason, headers = {} }: Refusal): void {
  const lines = Object.entries({
    ...headers,
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(reason) + 1),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${nodeHttp().STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${reason}\n`);
  // What the client still sends is read and discarded: a reset would overtake the answer.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Answers a plain request in the same way, and closes: the rest of its body must not be parsed as the next request. */
export function refuseRequest(response: ServerResponse, { status, reason, headers = {} }: Refusal): void {
  const body = `${reason}\n`;
  response.req.resume();
  response.writeHead(status, {
    ...headers,
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
