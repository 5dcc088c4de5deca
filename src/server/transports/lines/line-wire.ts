import type { Clock } from '../../../clock.ts';
import { type CloseReason, closeText, type Outgoing } from '../../../hub/index.ts';
import type { Code } from '../../../protocol/index.ts';
import type { StreamSocket } from '../../../stream/index.ts';
import type { StreamFanOut, StreamWire } from '../index.ts';

/** Bytes that wait for a reader above which it is too slow: it has no way to ask for what it missed. */
const QUEUE = 256 * 1024;
/** Milliseconds for which the other side may take nothing more, and not end either, after we have said the last line. */
const LINGER = 5_000;

/** No fault of the other side: it was ended on purpose, or the server stops. */
const HARMLESS: readonly Code[] = ['CLOSED', 'SHUTTING_DOWN'];

export interface LineWireOptions {
  readonly fanOut: StreamFanOut;
  readonly clock: Clock;
  /** Is told, not from within a delivery, that too much waits: from then on it must end. */
  readonly onSlow: () => void;
  /** Is told the last line where that is a fault of the other side's. */
  readonly onEnded: (reason: string) => void;
}

/** The hub's way out to one raw socket: a text is a line. */
export class LineWire implements StreamWire {
  readonly remoteAddress: string;
  readonly #socket: StreamSocket;
  readonly #options: LineWireOptions;
  readonly #topics = new Set<string>();
  #phase: 'open' | 'slow' | 'closing' = 'open';
  #cancelLinger = (): void => {};

  constructor(socket: StreamSocket, remoteAddress: string, options: LineWireOptions) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    this.#options = options;
  }

  /** Whether the last line has been said: what comes now is of no use to anybody. */
  get isClosing(): boolean {
    return this.#phase === 'closing';
  }

  send({ text }: Outgoing): boolean {
    if (this.#phase !== 'open' || this.#socket.destroyed || this.#socket.writableEnded) return false;
    const isReady = this.#socket.write(`${text}\n`);
    if (this.#socket.writableLength <= QUEUE) return isReady;
    // Nothing more is kept for it, so that no line is left out between others.
    this.#phase = 'slow';
    queueMicrotask(this.#options.onSlow);
    return false;
  }

  deliver(outgoing: Outgoing): void {
    this.send(outgoing);
  }

  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain) return;
    await new Promise<void>((resolve) => this.#socket.once('drain', resolve).once('close', resolve));
  }

  subscribe(topic: string): void {
    this.#topics.add(topic);
    this.#options.fanOut.subscribe(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic);
    this.#options.fanOut.unsubscribe(topic, this);
  }

  close(reason: CloseReason): void {
    if (this.#phase === 'closing') return;
    this.#phase = 'closing';
    const lastLine = closeText(reason);
    if (!HARMLESS.includes(reason.code)) this.#options.onEnded(lastLine);
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#socket.end(`${lastLine}\n`);
    this.#linger();
  }

  /** Resolves when the system has taken the last line, or the socket is gone. */
  async flushed(): Promise<void> {
    if (this.#socket.destroyed || this.#socket.writableFinished) return;
    await new Promise<void>((resolve) => this.#socket.once('finish', resolve).once('close', resolve));
  }

  /** A reader that still takes what waits for it, however slowly, gets all of it. */
  #linger(): void {
    const waiting = this.#socket.writableLength;
    this.#cancelLinger = this.#options.clock.after(LINGER, () => {
      if (this.#socket.writableLength < waiting) this.#linger();
      else this.#socket.destroy();
    });
  }

  /** The socket is gone. */
  leave(): void {
    this.#cancelLinger();
    for (const topic of this.#topics) this.#options.fanOut.unsubscribe(topic, this);
    this.#topics.clear();
  }
}
