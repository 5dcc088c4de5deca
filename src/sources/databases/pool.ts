import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { placeOf } from './failure.ts';
import type { Session, SqlRow, SqlValue } from './session.ts';

/** How often a query is sent that other transactions were in the way of. */
const ATTEMPTS = 3;

export interface PoolOptions {
  readonly address: string;
  readonly connect: () => Promise<Session>;
  readonly clock: Clock;
  /** Milliseconds for a connection and a query together. */
  readonly patience: number;
}

/**
 * Sessions with one database, which are opened when they are needed and then kept. There are as many as queries at a
 * time, which the caller bounds.
 */
export class DatabasePool {
  readonly #options: PoolOptions;
  readonly #idle: Session[] = [];
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * For queries that change nothing: one whose session had been lost is sent again, and also one that stood in the way of
   * the server's own work. @throws ZocaloError DATABASE_UNREACHABLE, DATABASE_BUSY, DATABASE_FAILED, DRIVER_MISSING.
   */
  async read(text: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    const { address, clock, patience } = this.#options;
    let session: Session | undefined;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(patience, () => {
        const happened = `${placeOf(address)}: no answer within ${patience / 1_000} s`;
        reject(new ZocaloError('DATABASE_UNREACHABLE', happened));
        session?.close();
      });
    });
    const take = (taken: Session) => {
      session = taken;
    };
    try {
      return await Promise.race([this.#read(text, values, take), late]);
    } finally {
      cancel();
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#idle.splice(0)) session.close();
  }

  async #read(text: string, values: readonly SqlValue[], take: (session: Session) => void) {
    for (let attempt = 1; ; attempt++) {
      const idle = this.#idle.pop();
      const session = idle ?? (await this.#options.connect());
      take(session);
      try {
        const rows = await session.query(text, values);
        if (this.#isClosed) session.close();
        else this.#idle.push(session);
        return rows;
      } catch (error) {
        session.close();
        const code = error instanceof ZocaloError ? error.code : undefined;
        // The server ends sessions that were idle for long.
        if (idle && code === 'DATABASE_UNREACHABLE') continue;
        if (code === 'DATABASE_BUSY' && attempt < ATTEMPTS) continue;
        throw error;
      }
    }
  }
}
