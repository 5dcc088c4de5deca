import type { Connection, Message } from './connection.ts';
import type { CloseEvent, Inbox } from './inbox.ts';
import { Peer } from './peer.ts';

/**
 * The client's end of a WebSocket connection. Its messages are read with `for await`, which ends when the connection
 * does; a slow reader slows the server down, not this process.
 */
export class WebSocketClient extends Peer implements AsyncIterable<Message> {
  /** Resolves when the connection is over; never rejects. */
  readonly closed: Promise<CloseEvent>;
  readonly #inbox: Inbox;

  /** Use `connectWebSocket`. */
  constructor(connection: Connection, inbox: Inbox, protocol: string) {
    super(connection, protocol);
    this.#inbox = inbox;
    this.closed = inbox.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    return { next: () => this.#inbox.next(), return: () => this.#inbox.giveUp() };
  }
}
