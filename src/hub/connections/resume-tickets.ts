import { randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Others } from '../../nodes/index.ts';

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
 * not announced yet; on any node.
 */
export class ResumeTickets {
  readonly #clock: Clock;
  readonly #linger: number;
  readonly #connections = new Map<string, Resumable>();
  readonly #timers = new Map<string, () => void>();
  readonly #others: Others | undefined;

  /** `linger`: milliseconds for which a ticket is valid after its connection was lost. */
  constructor(clock: Clock, linger: number, others?: Others) {
    this.#clock = clock;
    this.#linger = linger;
    this.#others = others;
    others?.tickets.keep(() => this.#connections);
    others?.bus.answer('replace', (ticket) => {
      this.#takeHere(`${ticket}`)?.end('REPLACED');
      return true;
    });
  }

  issue(connection: Resumable): string {
    const random = randomBytes(BYTES).toString('base64url');
    const tickets = this.#others?.tickets;
    const ticket = tickets ? `${random}.${tickets.origin}` : random;
    this.#connections.set(ticket, connection);
    tickets?.put(ticket, { user: connection.user, member: connection.member });
    return ticket;
  }

  /** The connection of a ticket; each ticket works once. A promise if another node may have issued it. */
  take(ticket: string): Resumable | undefined | Promise<Resumable | undefined> {
    const connection = this.#takeHere(ticket);
    const [, origin] = ticket.split('.', 2);
    if (connection || !this.#others || !origin || origin === this.#others.tickets.origin) {
      if (connection) this.#others?.tickets.drop(ticket);
      return connection;
    }
    return this.#takeThere(this.#others, ticket, origin);
  }

  /** The connection was lost: its ticket expires after `linger`, and `wait` milliseconds more. */
  expire(ticket: string, wait = 0): void {
    if (!this.#connections.has(ticket)) return;
    const cancel = this.#clock.after(this.#linger + wait, () => {
      this.#takeHere(ticket);
      this.#others?.tickets.drop(ticket);
    });
    this.#timers.set(ticket, cancel);
  }

  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#connections.clear();
  }

  #takeHere(ticket: string): Resumable | undefined {
    const connection = this.#connections.get(ticket);
    this.#connections.delete(ticket);
    this.#timers.get(ticket)?.();
    this.#timers.delete(ticket);
    return connection;
  }

  async #takeThere({ tickets, bus }: Others, ticket: string, origin: string): Promise<Resumable | undefined> {
    // Without Redis, the client has another place.
    const place = await tickets.take(ticket, origin).catch(() => undefined);
    if (!place) return undefined;
    // Its node may be dead, and is not waited for.
    const end = () => void bus.tell('replace', ticket, origin).catch(() => {});
    return { user: place.user, member: place.member, end };
  }
}
