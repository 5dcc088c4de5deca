import { Buffer } from 'node:buffer';
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { nodeHttp } from '../builtins.ts';
import type { Refusal } from './core/handshake.ts';

/** Takes an upgrade request, its socket, and what came in the same packet. */
export type Take = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface Entry {
  readonly path: string | undefined;
  readonly take: Take;
}

/** Who takes the upgrades of an HTTP server: several may, each on a path of its own. */
const attached = new WeakMap<HttpServer, Entry[]>();

/** Sends the upgrades of `server` to `path` (undefined: any path) to `take`. The answer ends that. */
export function attach(server: HttpServer, path: string | undefined, take: Take): () => void {
  let entries = attached.get(server);
  if (!entries) {
    entries = [];
    attached.set(server, entries);
    server.on('upgrade', dispatch);
  }
  const entry: Entry = { path, take };
  entries.push(entry);
  return () => {
    entries.splice(entries.indexOf(entry), 1);
    if (entries.length > 0) return;
    attached.delete(server);
    server.off('upgrade', dispatch);
  };
}

function dispatch(this: HttpServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const url = request.url ?? '/';
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  const entry = attached.get(this)?.find((candidate) => candidate.path === undefined || candidate.path === path);
  if (entry) entry.take(request, socket, head);
  // With a listener that is not ours, the path may be its.
  else if (this.listenerCount('upgrade') === 1) refuse(socket, { status: 404, reason: `No WebSocket at ${path}` });
}

/** Milliseconds that a client gets to read why it was refused. */
const LINGER = 5_000;

/** Answers an upgrade request with an error status and a sentence, and lets go of the socket. */
export function refuse(socket: Duplex, { status, reason, headers = {} }: Refusal): void {
  const lines = Object.entries({
    ...headers,
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(reason) + 1),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${nodeHttp().STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n${reason}\n`);
  // What the client still sends is read and thrown away: a reset would overtake the answer.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Answers a plain request in the same way; what is left of its body must not be taken for the next request. */
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
