import type { Connection, Message } from './connection.ts';
import type { CloseEvent, Inbox } from './inbox.ts';
import { Peer } from './peer.ts';

/**
 * The client's end of a WebSocket connection. Read its messages with `for await`, which ends with the connection; a
 * slow reader slows the server down instead of filling this process's memory.
 */
export class WebSocketClient extends Peer implements AsyncIterable<Message> {
  /** Resolves when the connection has ended; never rejects. */
  readonly closed: Promise<CloseEvent>;
  readonly #inbox: Inbox;

  /** Use `connectWebSocket` to create one. */
  constructor(connection: Connection, inbox: Inbox, protocol: string) {
    super(connection, protocol);
    this.#inbox = inbox;
    this.closed = inbox.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return { next: () => this.#inbox.next(), return: () => this.#inbox.giveUp() };
  }
}
