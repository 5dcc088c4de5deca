/** This engine with its defaults: each message to every connection. `PORT=9000 node bench/servers/fanout.ts` */
import { type User, WebSocketServer } from '../../src/websocket/index.ts';

class FanOutServer extends WebSocketServer {
  override onMessage(_user: User, message: string | Uint8Array): void {
    this.broadcast(message);
  }
}

const server = new FanOutServer(`ws://127.0.0.1:${process.env.PORT ?? 9000}`);
await server.listen();
console.log(`ready ${server.addresses[0]}`);
