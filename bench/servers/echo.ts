/** This engine with its defaults: each message back to its sender. `PORT=9000 node bench/servers/echo.ts` */
import { type User, WebSocketServer } from '../../src/websocket/index.ts';

class EchoServer extends WebSocketServer {
  override onMessage(user: User, message: string | Uint8Array): void {
    user.send(message);
  }
}

const server = new EchoServer(`ws://127.0.0.1:${process.env.PORT ?? 9000}`);
await server.listen();
console.log(`ready ${server.addresses[0]}`);
