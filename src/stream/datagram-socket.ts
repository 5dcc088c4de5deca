import { StreamSocket, type StreamSocketOptions } from './stream-socket.ts';
import { toZocaloError } from './system-errors.ts';

/** How many unread datagrams are kept: 1,024. UDP may lose them anyway, and memory is dearer. */
const QUEUE = 1024;

/** What a datagram socket stands on; a server's peers share one. */
export interface Wire {
  send(bytes: Buffer, callback: (error: Error | null) => void): void;
  close(): void;
}

/**
 * One remote peer over UDP: a write is a datagram, and each chunk that is read is one. UDP promises neither
 * arrival nor order, and knows no end: `end()` says nothing to the other side, so `destroy()` it when done.
 */
export class DatagramSocket extends StreamSocket {
  /** How many datagrams came while 1,024 lay unread, and were let go. */
  dropped = 0;
  readonly #wire: Wire;
  #finished = false;

  constructor(wire: Wire, options: StreamSocketOptions) {
    super(options, { readableObjectMode: true, readableHighWaterMark: QUEUE });
    this.#wire = wire;
  }

  /** A datagram came in. */
  deliver(datagram: Buffer): void {
    if (this.#finished) return;
    this.touch();
    if (this.readableLength >= QUEUE) this.dropped += 1;
    else this.push(datagram);
  }

  /** Nothing will come in any more; what came can still be read, and answered. */
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
