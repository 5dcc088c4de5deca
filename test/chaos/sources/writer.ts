import type { Session } from '../../../src/sources/databases/session.ts';
import type { Dice } from '../dice.ts';
import type { Transaction, Written } from './transaction.ts';

/** Rows of a transaction, at most. */
const LONGEST = 25;
/** Of the transactions. */
const ROLLED_BACK = 0.2;
/** Pauses between two rows, and after a transaction; milliseconds at most. */
const PAUSE = { often: 0.1, longest: 20 };

export interface WriterOptions {
  readonly name: string;
  readonly dice: Dice;
  readonly channels: number;
  /** How a transaction begins. */
  readonly begin: string;
  /** Rejects while the database is down. */
  readonly connect: () => Promise<Session>;
  readonly insert: (channel: string, data: string) => string;
  /** The next moment. */
  readonly tick: () => number;
  readonly pause: (time: number) => Promise<void>;
  /** Whether the next transaction should wait. */
  readonly isEarly: () => boolean;
  /** A COMMIT is about to be sent. */
  readonly onCommitting: () => void;
  readonly onCommitted: (transaction: Transaction) => void;
}

/** How many transactions had which end. */
export interface Ends {
  committed: number;
  rolledBack: number;
  /** Not committed because the database went away. */
  cut: number;
  /** Whose COMMIT got no answer. */
  unknown: number;
}

/**
 * An application: writes rows of an outbox in transactions of random length. Each transaction leaves a mark in a table of
 * its own, by which the writer finds out later what became of a COMMIT that got no answer.
 */
export class OutboxWriter {
  readonly ends: Ends = { committed: 0, rolledBack: 0, cut: 0, unknown: 0 };
  readonly #options: WriterOptions;
  #session: Session | undefined;
  #count = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Writes until `isEnough`. */
  async run(isEnough: () => boolean): Promise<void> {
    const { isEarly, pause } = this.#options;
    while (!isEnough())
      if (isEarly()) await pause(PAUSE.longest);
      else await this.#transaction();
    this.#session?.close();
  }

  async #transaction(): Promise<void> {
    const { name, dice, channels, begin, insert, tick, pause, onCommitted } = this.#options;
    const mark = `${name}:${this.#count++}`;
    // All decisions first: what the database does must not change them.
    const rows: Written[] = Array.from({ length: 1 + dice.below(LONGEST) }, (_, at) => ({
      id: `${mark}:${at}`,
      channel: `c:${dice.below(channels)}`,
    }));
    const isKept = !dice.isLikely(ROLLED_BACK);
    const session = await this.#connected();
    const begun = tick();
    try {
      await session.query(begin);
      await session.query(`INSERT INTO marks (mark) VALUES ('${mark}')`);
      for (const { id, channel } of rows) {
        await session.query(insert(channel, JSON.stringify(id)));
        await this.#mayPause();
      }
      if (!isKept) {
        await session.query('ROLLBACK');
        this.ends.rolledBack++;
      }
    } catch {
      this.#lose();
      this.ends.cut++;
      return;
    }
    if (isKept && (await this.#commit(session, mark))) {
      this.ends.committed++;
      onCommitted({ begun, ended: tick(), rows });
    }
    // SQLite has one writer at a time, and does not let them take turns.
    await pause(dice.below(PAUSE.longest));
  }

  /** Whether it is committed. */
  async #commit(session: Session, mark: string): Promise<boolean> {
    try {
      this.#options.onCommitting();
      await session.query('COMMIT');
      return true;
    } catch {
      this.#lose();
      this.ends.unknown++;
    }
    for (;;)
      try {
        const session = await this.#connected();
        return (await session.query(`SELECT mark FROM marks WHERE mark = '${mark}'`)).length > 0;
      } catch {
        this.#lose();
      }
  }

  async #connected(): Promise<Session> {
    for (;;)
      try {
        this.#session ??= await this.#options.connect();
        return this.#session;
      } catch {
        await this.#options.pause(PAUSE.longest);
      }
  }

  #lose(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  async #mayPause(): Promise<void> {
    const { dice, pause } = this.#options;
    if (dice.isLikely(PAUSE.often)) await pause(dice.below(PAUSE.longest));
  }
}
