import { StreamSocket, type StreamSocketOptions } from './stream-socket.ts';
import { toZocaloError } from './system-errors.ts';

/** How many unread datagrams are kept: 1,024. UDP may lose datagrams anyway, and memory is worth more. */
const QUEUE = 1024;

/** The UDP socket underneath; all peers of a server share one. */
export interface Wire {
  send(bytes: Buffer, callback: (error: Error | null) => void): void;
  close(): void;
}

/**
 * One remote peer over UDP: a write is one datagram, and each chunk read is one. UDP guarantees neither arrival nor
 * order, and has no end: `end()` sends nothing, so call `destroy()` when done.
 */
export class DatagramSocket extends StreamSocket {
  /** How many datagrams were dropped because 1,024 were unread. */
  dropped = 0;
  readonly #wire: Wire;
  #finished = false;

  constructor(wire: Wire, options: StreamSocketOptions) {
    super(options, { readableObjectMode: true, readableHighWaterMark: QUEUE });
    this.#wire = wire;
  }

  /** Called with each datagram that arrived. */
  deliver(datagram: Buffer): void {
    if (this.#finished) return;
    this.touch();
    if (this.readableLength >= QUEUE) this.dropped += 1;
    else this.push(datagram);
  }

  /** No more datagrams will come; what came can still be read, and answered. */
  finish(): void {
    this.#finished = true;
    this.push(null);
  }

  override fail(error: unknown): void {
    super.fail(error);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.touch();
    const done = (error: unknown) => callback(error ? toZocaloError(error, this.remoteAddress) : null);
    try {
      this.#wire.send(chunk, done);
    } catch (error) {
      done(error); // Node throws when the wire is closed
    }
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#wire.close();
    super._destroy(error, callback);
  }
}
