import { Duplex, type DuplexOptions } from 'node:stream';
import { type Clock, systemClock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import { abortedError } from './deadline.ts';
import { LineBuffer, lineText } from './line-buffer.ts';
import { toZocaloError } from './system-errors.ts';

/** In bytes. Lines from people and devices are far shorter, and 1,000 such peers cost 64 MiB at most. */
const MAX_LINE = 65_536;

/** In bytes: 16 MiB, as much as a WebSocket message may have. */
const MAX_TEXT = 16_777_216;

export interface ReadOptions {
  /** In bytes. Default 65,536 for a line, 16 MiB for a text. A longer one is MESSAGE_TOO_BIG, and closes the socket. */
  maxLength?: number;
  /** Cancels reading and ends the socket, since a partly read line cannot be used. */
  signal?: AbortSignal;
}

export interface StreamSocketOptions {
  remoteAddress: string;
  localAddress: string;
  idleTimeout?: number | undefined;
  signal?: AbortSignal | undefined;
  clock?: Clock | undefined;
  /** What happens after `idleTimeout`. Default: the socket fails with TIMEOUT. */
  onIdle?: (() => void) | undefined;
}

/**
 * One end of a connection over any transport: a Duplex of bytes that is also async-iterable.
 *
 * Either side may end while the other continues: after `end()` the reply can still be read, and after the other side's
 * end it can still be written. Reading with `for await`, `lines()` or `text()` never closes the socket, even if the
 * loop is left early: the next reader continues where the last one stopped.
 *
 * Its errors are ZocaloErrors. They reach its readers and 'error' listeners; without either, the error is dropped with
 * the socket and does not end the process.
 */
export abstract class StreamSocket extends Duplex {
  /** The address of the other side: `tcp://127.0.0.1:40312`. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly #clock: Clock;
  readonly #idleTimeout: number;
  readonly #onIdle: (() => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#abort(this.#signal!);
  #lastActivity: number;
  #cancelIdle: (() => void) | undefined;
  /** What a reader put back after the stream's own end, when the stream cannot take it back. */
  #leftover: Buffer[] = [];

  constructor(options: StreamSocketOptions, duplexOptions: DuplexOptions = {}) {
    super({ ...duplexOptions, allowHalfOpen: true });
    this.remoteAddress = options.remoteAddress;
    this.localAddress = options.localAddress;
    this.#clock = options.clock ?? systemClock;
    this.#idleTimeout = options.idleTimeout ?? 0;
    this.#onIdle = options.onIdle;
    this.#signal = options.signal;
    this.#lastActivity = this.#clock.now();
    this.on('error', () => {});
    if (this.#idleTimeout > 0) this.#watchIdle(this.#idleTimeout);
    if (this.#signal?.aborted) this.#onAbort();
    else this.#signal?.addEventListener('abort', this.#onAbort);
  }

  /** The chunks as they arrive, of any length; for `udp:` the datagrams. */
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Buffer> {
    return this.#chunks();
  }

  /**
   * The lines, without `\n` or `\r\n`; the last one may have none. The end of a datagram also ends a line.
   *
   * @throws {ZocaloError} MESSAGE_TOO_BIG, ABORTED, or the error that ended the connection.
   */
  async *lines(options: ReadOptions = {}): AsyncGenerator<string, void, undefined> {
    const { maxLength = MAX_LINE } = options;
    const buffer = new LineBuffer();
    const check = (length: number) => {
      if (length > maxLength) throw this.#tooBig('a line', maxLength);
    };
    const release = this.#obey(options.signal);
    try {
      for await (const chunk of this) {
        buffer.append(chunk);
        for (let line = buffer.take(); line; line = buffer.take()) {
          const text = lineText(line);
          check(line.length);
          yield text;
        }
        check(buffer.length);
        if (this.readableObjectMode && buffer.length > 0) yield lineText(buffer.takeRest());
      }
      if (buffer.length > 0) yield lineText(buffer.takeRest());
    } finally {
      release();
      this.#putBack(buffer.takeRest());
    }
  }

  /**
   * Everything until the other side ends, as UTF-8.
   *
   * @throws {ZocaloError} MESSAGE_TOO_BIG, ABORTED, or the error that ended the connection.
   */
  async text(options: ReadOptions = {}): Promise<string> {
    const { maxLength = MAX_TEXT } = options;
    const chunks: Buffer[] = [];
    let length = 0;
    const release = this.#obey(options.signal);
    try {
      for await (const chunk of this) {
        length += chunk.length;
        if (length > maxLength) throw this.#tooBig('the text', maxLength);
        chunks.push(chunk);
      }
    } finally {
      release();
    }
    return Buffer.concat(chunks).toString();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#cancelIdle?.();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    callback(error);
  }

  /** Ends the socket with a system error, as a ZocaloError. */
  protected fail(error: unknown): void {
    this.destroy(toZocaloError(error, this.remoteAddress));
  }

  /** Called when data was received or sent. */
  protected touch(): void {
    if (this.#idleTimeout > 0) this.#lastActivity = this.#clock.now();
  }

  async *#chunks(): AsyncGenerator<Buffer, undefined, undefined> {
    for (let chunk = this.#leftover.shift(); chunk; chunk = this.#leftover.shift()) yield chunk;
    try {
      for await (const chunk of this.iterator({ destroyOnReturn: false })) yield chunk;
    } catch (error) {
      throw toZocaloError(error, this.remoteAddress);
    }
  }

  #putBack(bytes: Buffer): void {
    if (bytes.length === 0 || this.destroyed) return;
    if (this.readableEnded) this.#leftover.unshift(bytes);
    else this.unshift(bytes);
  }

  #tooBig(what: string, limit: number): ZocaloError {
    const error = new ZocaloError(
      'MESSAGE_TOO_BIG',
      `${what} from ${this.remoteAddress} is longer than ${limit} bytes`,
    );
    this.destroy(error);
    return error;
  }

  #abort(signal: AbortSignal): void {
    this.destroy(abortedError(signal, this.remoteAddress));
  }

  /** Lets `signal` end the socket until the returned function is called. */
  #obey(signal: AbortSignal | undefined): () => void {
    if (!signal) return () => {};
    const onAbort = () => this.#abort(signal);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
    return () => signal.removeEventListener('abort', onAbort);
  }

  /** One timer, restarted only when it has run out, so that activity costs no more than reading the clock. */
  #watchIdle(delay: number): void {
    this.#cancelIdle = this.#clock.after(delay, () => {
      const left = this.#lastActivity + this.#idleTimeout - this.#clock.now();
      if (left > 0) this.#watchIdle(left);
      else if (this.#onIdle) this.#onIdle();
      else {
        this.destroy(new ZocaloError('TIMEOUT', `${this.remoteAddress} was silent for ${this.#idleTimeout} ms`));
      }
    });
  }
}
