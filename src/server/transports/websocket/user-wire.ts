import type { Wire } from '../../../hub/index.ts';
import type { User } from '../../../websocket/index.ts';

/** RFC 6455 §5.5: a control frame carries 125 bytes, of which the close code takes two. */
const REASON_BYTES = 123;

/** The hub's way out to one user of a WebSocket server. */
export class UserWire implements Wire {
  readonly user: User;

  constructor(user: User) {
    this.user = user;
  }

  get remoteAddress(): string {
    return this.user.remoteAddress;
  }

  send(text: string): boolean {
    return this.user.send(text);
  }

  drained(): Promise<void> {
    return this.user.drained();
  }

  subscribe(topic: string): void {
    this.user.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.user.unsubscribe(topic);
  }

  close(code: number, reason: string): void {
    this.user.close(code, cut(reason));
  }
}

/** As many whole characters as a close frame can carry. */
function cut(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(REASON_BYTES));
  return reason.slice(0, read);
}
