import type { Hub } from '../../hub/index.ts';
import type { NoticeBoard } from '../../nodes/index.ts';
import type { Auth } from './auth.ts';

export interface RevocationsParts {
  readonly hub: () => Pick<Hub, 'user'>;
  readonly auth: Pick<Auth, 'revoke' | 'learnRevocation'>;
  /** Undefined for the only node. */
  readonly notices: NoticeBoard | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A notice. `at`: by the clock of the node that has revoked. */
interface Notice {
  readonly revoked: string;
  readonly at: number;
  readonly message: string;
}

/** Revokes what users have on all nodes, also on those that are down: these hear of it when they start. */
export class Revocations {
  readonly #parts: RevocationsParts;

  constructor(parts: RevocationsParts) {
    this.#parts = parts;
    parts.notices?.follow((text, age) => this.#hear(JSON.parse(text), age));
  }

  /**
   * Refuses the tokens of a user that were issued up to now, here at once. The connections that the user has are ended
   * by the other nodes, and here by the caller. Rejects with LOG_… when the other nodes cannot be told.
   */
  async revoke(user: string, message: string): Promise<void> {
    const { auth, notices, now } = this.#parts;
    auth.revoke(user);
    const notice: Notice = { revoked: user, at: now(), message };
    await notices?.post(JSON.stringify(notice));
  }

  #hear({ revoked, at, message }: Partial<Notice>, age: number): void {
    if (revoked === undefined || at === undefined) return; // of another kind
    const { hub, auth, now } = this.#parts;
    // By the clock of this node, or of the one that has revoked: tokens are dated by either.
    const then = now() - age;
    auth.learnRevocation(revoked, Math.max(at, then));
    // Who has logged in since then stays.
    for (const connection of hub().user(revoked).connections)
      if (connection.since <= then) connection.end('UNAUTHORIZED', message);
  }
}
