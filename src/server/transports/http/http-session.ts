import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../clock.ts';
import { type CloseReason, type Connection, closeText, type Outgoing } from '../../../hub/index.ts';
import { closeCode } from '../../../protocol/index.ts';
import { ReaderPace, type StreamFanOut, type StreamWire } from '../index.ts';
import type { Said } from './said.ts';

/** Bytes that the hub may add at once: a page of the log (256 KiB), its last publication, answers. */
const ONE_GO = 512 * 1024;

/** RFC 6455 §7.4.1: the connection was lost without a close frame. */
const LOST = 1006;

const PING = event('', '[]');

const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Content-Type-Options': 'nosniff',
  'X-Accel-Buffering': 'no', // nginx would keep events until it has a few kilobytes of them
};

export interface HttpSessionOptions {
  readonly fanOut: StreamFanOut;
  readonly clock: Clock;
  readonly remoteAddress: string;
  /** Bytes queued above which the reader is slow. At twice that, but not before half a MiB more, it is cut off. */
  readonly queueLimit: number;
  /** Milliseconds of silence after which a ping asks whether the client lives; 0: never. */
  readonly pingInterval: number;
  /** Milliseconds that it has to say something then. */
  readonly pongTimeout: number;
}

/** One client of `zocalo.1` without a WebSocket: it hears by the response of one request, and says by others. */
export class HttpSession implements StreamWire {
  /** Nobody but its client knows it: 24 random bytes. */
  readonly id: string = randomBytes(24).toString('base64url');
  readonly remoteAddress: string;
  /** The page's, which its further requests must have too; undefined for a client that is no browser. */
  readonly origin: string | undefined;
  /** Bytes. */
  received = 0;
  sent = 0;
  readonly #response: ServerResponse;
  readonly #pace = new ReaderPace();
  readonly #options: HttpSessionOptions;
  #connection: Connection | undefined;
  #phase: 'open' | 'over' = 'open';
  /** The number of the last request whose lines were taken. */
  #taken = 0;
  #closeCode = LOST;
  #cancelSilence = (): void => {};

  constructor(response: ServerResponse, options: HttpSessionOptions) {
    this.#response = response;
    this.#options = options;
    this.remoteAddress = options.remoteAddress;
    this.origin = response.req.headers.origin;
  }

  /** `connection`: the hub's, with this as its wire. */
  start(connection: Connection): void {
    this.#connection = connection;
    const response = this.#response;
    response.on('drain', () => this.#pace.drain());
    response.on('close', () => {
      this.#phase = 'over';
      this.#cancelSilence();
      connection.lost(this.#closeCode);
      this.#pace.drain();
    });
    response.writeHead(200, STREAM_HEADERS);
    this.#write(event('open', this.id));
    this.#hear();
  }

  /** Bytes that wait for its reader. */
  get queued(): number {
    return this.#response.writableLength;
  }

  get isQueueFull(): boolean {
    return this.queued > this.#options.queueLimit;
  }

  /**
   * Takes what was said, once: whatever is between may send a request again. False when a request is missing before
   * it: then the session is of no use any more.
   */
  take({ number, frame, closeCode }: Said): boolean {
    if (number <= this.#taken) return true;
    if (number !== this.#taken + 1) {
      this.#response.destroy();
      return false;
    }
    this.#taken = number;
    this.#hear();
    this.received += frame.length;
    if (frame !== '') this.#connection?.receive(frame);
    if (closeCode === undefined) return true;
    this.#closeCode = closeCode;
    this.#phase = 'over';
    this.#response.end();
    return true;
  }

  /** The server stops. `after`: milliseconds until the client may come back. */
  end(after: number): void {
    this.#connection?.end('SHUTTING_DOWN', undefined, after);
  }

  destroy(): void {
    this.#response.destroy();
  }

  /** Resolves when the system has taken all, or the client is gone. */
  async flushed(): Promise<void> {
    if (this.#response.closed) return;
    await new Promise<void>((resolve) => this.#response.once('close', resolve));
  }

  // ——— the hub's way out

  send(outgoing: Outgoing): boolean {
    this.deliver(outgoing);
    return !this.#response.writableNeedDrain;
  }

  deliver({ text }: Outgoing): void {
    if (this.#phase === 'over') return;
    this.#write(event('', text));
    if (!this.isQueueFull) return;
    const { queueLimit } = this.#options;
    if (this.queued > queueLimit + Math.max(queueLimit, ONE_GO)) this.#response.destroy();
    else this.#pace.slow(() => this.#connection?.slow());
  }

  drained(): Promise<void> {
    if (this.#phase === 'over' || !this.#response.writableNeedDrain) return Promise.resolve();
    return this.#pace.drained();
  }

  subscribe(topic: string): void {
    this.#options.fanOut.subscribe(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#options.fanOut.unsubscribe(topic, this);
  }

  close(reason: CloseReason): void {
    if (this.#phase === 'over') return;
    this.#write(event('close', `${closeCode(reason.code)} ${closeText(reason)}`));
    this.#phase = 'over';
    this.#response.end();
  }

  #write(text: string): void {
    this.sent += Buffer.byteLength(text);
    this.#response.write(text);
  }

  /** The client lives. From here on it may be silent for so long, as with a WebSocket. */
  #hear(): void {
    const { clock, pingInterval, pongTimeout } = this.#options;
    this.#cancelSilence();
    if (pingInterval === 0) return;
    this.#cancelSilence = clock.after(pingInterval, () => {
      if (this.#phase === 'open') this.#write(PING);
      this.#cancelSilence = clock.after(pongTimeout, () => this.#response.destroy());
    });
  }
}

/** Each line of `data` is a line of the event. */
function event(name: string, data: string): string {
  const first = name === '' ? '' : `event: ${name}\n`;
  return `${first}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`;
}
