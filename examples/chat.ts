import { type User, WebSocketServer } from 'zocalo';

class ChatRoom extends WebSocketServer {
  override onConnect(user: User) {
    user.send(`Welcome. There are ${this.users.size} of us here.`);
  }
  override onMessage(user: User, message: string | Uint8Array) {
    for (const other of this.users) if (other !== user) other.send(message);
  }
}

await new ChatRoom(`ws://localhost:${process.env.PORT ?? 9000}`).run();
