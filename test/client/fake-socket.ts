import type { PlainSocket } from '../../src/client/index.ts';

/** A WebSocket whose other side is the test. */
export class FakeSocket implements PlainSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly sent: string[] = [];
  closedWith: number | undefined | false = false;

  send(data: string): void {
    this.sent.push(data);
  }

  close(code?: number): void {
    this.closedWith = code;
  }

  accept(): void {
    this.onopen?.();
  }

  tell(message: unknown): void {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }

  drop(code = 1006): void {
    this.onclose?.({ code, reason: '' });
  }
}
