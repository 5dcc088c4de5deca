import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';

/** Random bytes in a ticket: too many to guess, as in a random UUID (RFC 9562). */
const BYTES = 16;

/** A connection that another one can resume. */
export interface Resumable {
  readonly user: string | undefined;
  /** Its id in presence. */
  readonly member: string;
  end(code: 'REPLACED'): void;
}

/**
 * With a ticket of its last connection, a client keeps its place in presence, and replaces a connection whose loss was
 * not announced yet.
 */
export class ResumeTickets {
  readonly #clock: Clock;
  readonly #linger: number;
  readonly #connections = new Map<string, Resumable>();
  readonly #timers = new Map<string, () => void>();

  /** `linger`: milliseconds for which a ticket is valid after its connection was lost. */
  constructor(clock: Clock, linger: number) {
    this.#clock = clock;
    this.#linger = linger;
  }

  issue(connection: Resumable): string {
    const ticket = randomBytes(BYTES).toString('base64url');
    this.#connections.set(ticket, connection);
    return ticket;
  }

  /** The connection of a ticket; each ticket works once. */
  take(ticket: string): Resumable | undefined {
    const connection = this.#connections.get(ticket);
    this.#connections.delete(ticket);
    this.#timers.get(ticket)?.();
    this.#timers.delete(ticket);
    return connection;
  }

  /** The connection was lost: its ticket expires after `linger`. */
  expire(ticket: string): void {
    if (this.#connections.has(ticket))
      this.#timers.set(
        ticket,
        this.#clock.after(this.#linger, () => this.take(ticket)),
      );
  }

  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#connections.clear();
  }
}
