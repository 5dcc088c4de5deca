import { setTimeout as pause } from 'node:timers/promises';
import type { Session } from '../../src/sources/databases/session.ts';

/** Which rows to commit, and how fast. */
export interface RowsOrder {
  readonly channels: number;
  readonly rows: number;
  /** Rows of a transaction. */
  readonly size: number;
  /** Rows a second; undefined: as fast as possible. */
  readonly rate?: number;
  /** Milliseconds at most between two transactions, at random. Default: none. */
  readonly gap?: number;
}

const DATA = { order: 4711, total: '12.50', text: 'x'.repeat(40) };

/** Milliseconds since 1970, with fractions: the same clock in every process of this machine. */
export const now = () => performance.timeOrigin + performance.now();

/** Commits rows that count from 0. Returns when the answer to each transaction's COMMIT came. */
export async function commitRows(
  session: Pick<Session, 'query'>,
  table: string,
  { channels, rows, size, rate, gap = 0 }: RowsOrder,
): Promise<number[]> {
  const committed: number[] = [];
  const begun = now();
  for (let first = 0; first < rows; first += size) {
    const ahead = rate === undefined ? 0 : begun + (first / rate) * 1e3 - now();
    if (ahead > 1 || gap > 0) await pause(ahead + Math.random() * gap);
    const values = Array.from({ length: Math.min(size, rows - first) }, (_, at) => {
      const n = first + at;
      return `('c:${n % channels}', '${JSON.stringify({ n, ...DATA })}')`;
    });
    // One statement is a transaction of its own.
    await session.query(`INSERT INTO ${table} (channel, data) VALUES ${values}`);
    committed.push(now());
  }
  return committed;
}
