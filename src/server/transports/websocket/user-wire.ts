import { type CloseReason, closeText, type Outgoing, type Wire } from '../../../hub/index.ts';
import { closeCode } from '../../../protocol/index.ts';
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

  send({ text }: Outgoing): boolean {
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

  close(reason: CloseReason): void {
    this.user.close(closeCode(reason.code), cut(closeText(reason)));
  }
}

/** As many whole characters as a close frame can carry. */
function cut(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(REASON_BYTES));
  return text.slice(0, read);
}
