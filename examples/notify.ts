/**
 * Any program that can make an HTTP request notifies the pages. A page, and a shell:
 *
 *   new WebSocket('ws://localhost:9000/orders/42').onmessage = ({ data }) => console.log(data);
 *   curl -H 'Authorization: Bearer change-me' -d 'Your tacos are ready' http://localhost:9000/orders/42
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type User, WebSocketServer } from 'zocalo';

const TOKEN = process.env.TOKEN ?? 'change-me';
const BODY_LIMIT = 64 * 1024;

class Notifier extends WebSocketServer {
  override onConnect(user: User) {
    user.subscribe(user.request.path);
  }
}

const server = new Notifier(`ws://localhost:${process.env.PORT ?? 9000}`, { onRequest });

async function onRequest(request: IncomingMessage, response: ServerResponse) {
  const { method, url = '/', headers } = request;
  const refuse = (status: number) => response.writeHead(status, { connection: 'close' }).end();
  if (method !== 'POST') return refuse(405);
  if (headers.authorization !== `Bearer ${TOKEN}`) return refuse(401);
  if (Number(headers['content-length'] ?? Infinity) > BODY_LIMIT) return refuse(413);
  try {
    server.publish(url, await text(request));
    response.writeHead(204).end();
  } catch {
    response.destroy(); // the caller disconnected before the end
  }
}

await server.run();
