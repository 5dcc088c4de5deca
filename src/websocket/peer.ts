import type { Connection } from './connection.ts';
import type { Payload } from './core/frame-writer.ts';

/** The other end of a WebSocket connection: what both a server's users and a client's server are to the program. */
export class Peer {
  readonly #connection: Connection;
  /** The subprotocol that was agreed on; empty for none. */
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

  /** Bytes that came over the socket so far, with its handshake and all overhead. */
  get bytesReceived(): number {
    return this.#connection.bytesReceived;
  }

  /** Bytes that went over the socket so far. */
  get bytesSent(): number {
    return this.#connection.bytesSent;
  }

  /**
   * Sends a string as a text message, bytes as a binary one. The bytes are copied at once. Everything sent in one
   * turn of the event loop leaves in one write, in order.
   *
   * Never throws for a peer that is gone or slow. Answers true while less than `highWaterMark` bytes wait; false when
   * more do (the message is on its way all the same: `await drained()` before sending much more), and when it was not
   * sent at all, since the connection is closing (`isOpen` tells) or the queue's policy dropped it.
   */
  send(message: Payload): boolean {
    return this.#connection.send(message);
  }

  /** Sends `value` as JSON text. */
  sendJson(value: unknown): boolean {
    return this.send(JSON.stringify(value));
  }

  /** Sends a ping (RFC 6455 §5.5.2), with up to 125 bytes that come back in the pong. */
  ping(payload: Payload = ''): void {
    this.#connection.ping(payload);
  }

  /** Resolves when everything sent so far has been handed to the system, or the connection is over. */
  drained(): Promise<void> {
    return this.#connection.drained();
  }

  /**
   * No message comes until `resume` was called as often: what the peer sends waits in the system's buffers, and then
   * the peer itself has to wait, by TCP. Meanwhile neither its pings nor its close frame are seen.
   */
  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  /**
   * Begins the closing handshake; what was sent before still arrives. Does nothing when that has begun already.
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
