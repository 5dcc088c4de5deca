import type { PlainSocket } from '../../src/client/index.ts';

/** A WebSocket whose other side is the test. */
export class FakeSocket implements PlainSocket {
  readonly #listeners: Record<string, (event: never) => void> = {};
  readonly sent: string[] = [];
  closedWith: number | undefined | false = false;

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners[type] = listener;
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(code?: number): void {
    this.closedWith = code;
  }

  accept(): void {
    this.#emit('open', {});
  }

  tell(message: unknown): void {
    this.#emit('message', { data: typeof message === 'string' ? message : JSON.stringify(message) });
  }

  drop(code = 1006): void {
    this.#emit('close', { code });
  }

  #emit(type: string, event: object): void {
    this.#listeners[type]?.(event as never);
  }
}
