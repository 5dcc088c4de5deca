import type { Connection } from './connection.ts';
import type { Payload } from './core/frame-writer.ts';

/** The other end of a WebSocket connection, as the program sees it: a server's user, or a client's server. */
export class Peer {
  readonly #connection: Connection;
  /** The negotiated subprotocol; empty for none. */
  readonly protocol: string;

  constructor(connection: Connection, protocol: string) {
    this.#connection = connection;
    this.protocol = protocol;
  }

  /** Whether messages can still be sent. */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** Bytes sent that the system has not taken yet, frame overhead included. */
  get bufferedAmount(): number {
    return this.#connection.bufferedAmount;
  }

  /** Bytes received on the socket so far, including the handshake and all overhead. */
  get bytesReceived(): number {
    return this.#connection.bytesReceived;
  }

  /** Bytes sent on the socket so far. */
  get bytesSent(): number {
    return this.#connection.bytesSent;
  }

  /**
   * Sends a string as a text message, bytes as a binary one. The bytes are copied at once. Everything sent in one turn
   * of the event loop is written at once, in order.
   *
   * Never throws for a peer that is gone or slow. Returns true while less than `highWaterMark` bytes wait. Returns
   * false when more do (the message was still queued: `await drained()` before sending much more), and when it was not
   * sent at all, because the connection is closing (see `isOpen`) or the queue's policy dropped it.
   */
  send(message: Payload): boolean {
    return this.#connection.send(message);
  }

  /** Sends `value` as JSON text. */
  sendJson(value: unknown): boolean {
    return this.send(JSON.stringify(value));
  }

  /** Sends a ping (RFC 6455 §5.5.2) with up to 125 bytes, which the pong returns. */
  ping(payload: Payload = ''): void {
    this.#connection.ping(payload);
  }

  /** Resolves when the system has taken everything sent so far, or the connection is over. */
  drained(): Promise<void> {
    return this.#connection.drained();
  }

  /**
   * No message is delivered until `resume` is called as often: what the peer sends waits in the system's buffers, and
   * then TCP makes the peer wait. Meanwhile its pings and its close frame are not seen, and that it is gone
   * within about two `pingInterval`.
   */
  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  /**
   * Starts the closing handshake; what was sent before still arrives. Does nothing if it has started already.
   * @throws ZocaloError BAD_OPTION for a code other than 1000–1003, 1007–1014 and 3000–4999, or a reason over 123
   *   bytes.
   */
  close(code = 1000, reason = ''): void {
    this.#connection.close(code, reason);
  }

  /** Cuts the connection off at once, without a close frame: the peer sees 1006. */
  terminate(): void {
    this.#connection.terminate();
  }
}
