/** An echo server as a program of its own; prints its address. */
import { type Message, type User, WebSocketServer } from '../../src/websocket/index.ts';

class Echo extends WebSocketServer {
  override onMessage(user: User, message: Message) {
    user.send(message);
  }
}

const server = new Echo('ws://127.0.0.1:0');
await server.listen();
console.log(server.addresses[0]);
