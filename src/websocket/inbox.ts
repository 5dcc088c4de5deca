import type { ZocaloError } from '../errors.ts';
import type { QueueVerdict } from './backpressure.ts';
import type { Connection, ConnectionEvents, Message } from './connection.ts';
import type { ConnectionLimits } from './limits.ts';

/** How a connection ended. 1006: it was lost; `error` may have the cause. */
export interface CloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly error: ZocaloError | null;
}

/** Messages that may wait for the program to read them; beyond that, TCP holds the server back. */
const INBOX = 64;

/** Keeps messages until the program asks for them. */
export class Inbox implements ConnectionEvents {
  readonly closed: Promise<CloseEvent>;
  readonly #messages: Message[] = [];
  readonly #readers: ((result: IteratorResult<Message>) => void)[] = [];
  readonly #queuePolicy: QueueVerdict;
  #connection: Connection | null = null;
  #full = false;
  #over = false;
  #resolve: (event: CloseEvent) => void = () => {};

  constructor(limits: ConnectionLimits) {
    this.#queuePolicy = limits.queuePolicy;
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  attach(connection: Connection): void {
    this.#connection = connection;
  }

  onMessage(message: Message): void {
    const reader = this.#readers.shift();
    if (reader) {
      reader({ value: message, done: false });
      return;
    }
    this.#messages.push(message);
    if (this.#messages.length < INBOX || this.#full) return;
    this.#full = true;
    this.#connection?.pause();
  }

  onClosed(code: number, reason: string, error: ZocaloError | null): void {
    this.#over = true;
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
    this.#resolve({ code, reason, error });
  }

  onGone(): void {}

  onQueueFull(): QueueVerdict {
    return this.#queuePolicy;
  }

  next(): Promise<IteratorResult<Message>> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      if (this.#full && this.#messages.length === 0) {
        this.#full = false;
        this.#connection?.resume();
      }
      return Promise.resolve({ value: message, done: false });
    }
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** The loop was left, which closes the connection, as with any other stream. */
  giveUp(): Promise<IteratorResult<Message>> {
    this.#messages.length = 0;
    this.#connection?.close();
    return Promise.resolve({ value: undefined, done: true });
  }
}
