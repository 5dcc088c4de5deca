import { connectWebSocket, type Message, type WebSocketClient } from '../../src/websocket/index.ts';
import type { Recorder } from './recorder.ts';

/** Somebody well-behaved, to show that what others do is no concern of theirs. */
export class Friend {
  readonly client: WebSocketClient;
  readonly #messages: AsyncIterator<Message>;
  #words = 0;

  private constructor(client: WebSocketClient) {
    this.client = client;
    this.#messages = client[Symbol.asyncIterator]();
  }

  /** Joins a server, which sends everybody what anybody says from now on. */
  static async join(server: Recorder): Promise<Friend> {
    server.message = (_user, message) => server.broadcast(message);
    const friend = new Friend(await connectWebSocket(server.url));
    await server.next('connect');
    return friend;
  }

  /** Says something and hears it back; what others say is skipped. */
  async chats(): Promise<void> {
    const word = `still here ${++this.#words}`;
    this.client.send(word);
    await this.hears(word);
  }

  /** Skips what comes before it. */
  async hears(wanted: string): Promise<void> {
    while ((await this.next()) !== wanted);
  }

  async next(): Promise<Message> {
    const { value, done } = await this.#messages.next();
    if (done) throw new Error('the connection ended');
    return value;
  }
}
