import type { StreamSocket } from '../../stream/index.ts';
import type { StreamFanOut, StreamWire } from './stream-fan-out.ts';

/** Bytes that wait for a reader above which it is too slow: it has no way to ask for what it missed. */
const QUEUE = 256 * 1024;

/** The hub's way out to one raw socket: a text is a line. */
export class LineWire implements StreamWire {
  readonly remoteAddress: string;
  readonly #socket: StreamSocket;
  readonly #fanOut: StreamFanOut;
  readonly #topics = new Set<string>();
  readonly #onSlow: () => void;

  /** `onSlow` is told, not from within a delivery, that too much waits. */
  constructor(socket: StreamSocket, remoteAddress: string, fanOut: StreamFanOut, onSlow: () => void) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    this.#fanOut = fanOut;
    this.#onSlow = onSlow;
  }

  send(text: string): boolean {
    if (this.#socket.destroyed || this.#socket.writableEnded) return false;
    const isReady = this.#socket.write(`${text}\n`);
    if (this.#socket.writableLength > QUEUE) queueMicrotask(this.#onSlow);
    return isReady;
  }

  deliver(text: string): void {
    this.send(text);
  }

  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain) return;
    await new Promise<void>((resolve) => this.#socket.once('drain', resolve).once('close', resolve));
  }

  subscribe(topic: string): void {
    this.#topics.add(topic);
    this.#fanOut.subscribe(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic);
    this.#fanOut.unsubscribe(topic, this);
  }

  /** The reason is the last line. */
  close(_code: number, reason: string): void {
    this.send(reason);
    this.#socket.end();
  }

  /** The socket is gone. */
  leave(): void {
    for (const topic of this.#topics) this.#fanOut.unsubscribe(topic, this);
    this.#topics.clear();
  }
}
