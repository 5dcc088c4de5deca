import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { StreamSocket } from '../../stream/index.ts';

/** What the address of such a socket begins with. */
export const FILE = 'file:';
/** What the system says when a device was unplugged. */
const GONE = /^(EIO|ENODEV|ENXIO)$/;

export interface FileEnds {
  readonly input: Readable;
  /** Undefined: nothing can be written. */
  readonly output: Writable | undefined;
}

/** A serial port, another device of the system, or a FIFO, as a socket. */
export class FileSocket extends StreamSocket {
  readonly #path: string;
  readonly #ends: FileEnds;

  constructor(path: string, ends: FileEnds, clock: Clock) {
    super({ remoteAddress: `${FILE}${path}`, localAddress: FILE, clock });
    this.#path = path;
    this.#ends = ends;
    const { input, output } = ends;
    for (const end of new Set([input, output]))
      end?.on('error', (error) => this.#failed(error)).on('close', () => this.leave());
    input.on('data', (chunk: Buffer) => this.push(chunk) || input.pause()).on('end', () => this.leave());
    input.pause();
    if (!output) this.end();
  }

  /** The device is gone: what was read of it is still read from this socket, and nothing more is written. */
  leave(): void {
    if (this.destroyed || this.readableEnded) return;
    this.push(null);
    this.end();
  }

  override _read(): void {
    this.#ends.input.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#ends.output!.write(chunk, (error) => callback(error && this.#named(error)));
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#ends.input.destroy();
    this.#ends.output?.destroy();
    super._destroy(error, callback);
  }

  #failed(error: Error): void {
    this.fail(this.#named(error));
  }

  #named(cause: Error): Error {
    if (!GONE.test((cause as NodeJS.ErrnoException).code ?? '')) return cause;
    return new ZocaloError('SOCKET_CLOSED', `${this.#path} is gone`, {
      advice: 'plug it in again: it is opened again by itself',
      cause,
    });
  }
}
