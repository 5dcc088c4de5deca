import { Buffer } from 'node:buffer';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { nodeHttp } from '../builtins.ts';
import { asksForWebSocket } from './core/handshake.ts';
import { refuse } from './refusal.ts';
import { pathOf, toOriginForm } from './request-target.ts';

/** Handles an upgrade request on its socket; `head` holds the bytes that came in the same packet. */
export type Take = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface Entry {
  readonly path: string | undefined;
  readonly take: Take;
}

interface Attached {
  readonly entries: Entry[];
  readonly release: () => void;
}

/** The handlers of each HTTP server's upgrades. Several can share a server, each on a path of its own. */
const attached = new WeakMap<HttpServer, Attached>();

/**
 * Sends the WebSocket upgrades of `server` to `path` (undefined: any path) to `take`. Returns a function that stops it.
 */
export function attach(server: HttpServer, path: string | undefined, take: Take): () => void {
  let known = attached.get(server);
  if (!known) {
    server.on('upgrade', dispatch);
    known = { entries: [], release: ignoreOtherUpgrades(server) };
    attached.set(server, known);
  }
  const { entries, release } = known;
  const entry: Entry = { path, take };
  entries.push(entry);
  return () => {
    entries.splice(entries.indexOf(entry), 1);
    if (entries.length > 0) return;
    attached.delete(server);
    server.off('upgrade', dispatch);
    release();
  };
}

/** Node 22.21, 24.9 and newer call this for each request to decide whether to upgrade it. */
type Asking = HttpServer & { shouldUpgradeCallback?: (request: IncomingMessage) => boolean };

/**
 * Makes such a server answer requests for other protocols (h2c, for example) as if they asked for none (RFC 9110 §7.8).
 */
function ignoreOtherUpgrades(server: Asking): () => void {
  const earlier = server.shouldUpgradeCallback;
  if (earlier === undefined) return () => {};
  const decide = (request: IncomingMessage) =>
    (asksForWebSocket(request.httpVersion, request.headers) || hasOthers(server)) && earlier.call(server, request);
  server.shouldUpgradeCallback = decide;
  return () => {
    if (server.shouldUpgradeCallback === decide) server.shouldUpgradeCallback = earlier;
  };
}

/** Whether another listener handles upgrades too; requests that we do not handle may then be meant for it. */
function hasOthers(server: HttpServer): boolean {
  return server.listenerCount('upgrade') > 1;
}

function dispatch(this: HttpServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (!asksForWebSocket(request.httpVersion, request.headers)) {
    if (!hasOthers(this)) serveAsRequest(this, request, socket, head);
    return;
  }
  const [path] = pathOf(request.url ?? '/').split('?', 1);
  const entry = attached
    .get(this)
    ?.entries.find((candidate) => candidate.path === undefined || candidate.path === path);
  if (!entry) {
    if (!hasOthers(this)) refuse(socket, { status: 404, reason: `No WebSocket at ${path}` });
  } else if (toOriginForm(request)) entry.take(request, socket, head);
  else refuse(socket, { status: 400, reason: 'The request target has no path' });
}

/** An older Node emits every upgrade. A request for another protocol is served again, without its `Upgrade` header. */
function serveAsRequest(server: HttpServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() !== 'upgrade') text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]));
  // Emitting 'connection' would make everything that counts connections count this one twice.
  const { _connectionListener: serve } = nodeHttp() as { _connectionListener?: (socket: Duplex) => void };
  if (serve) serve.call(server, socket);
  else server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
}
