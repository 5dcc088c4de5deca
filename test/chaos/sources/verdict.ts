import type { Transaction } from './transaction.ts';

interface Row {
  readonly transaction: Transaction;
  readonly channel: string;
  /** Its place in the transaction. */
  readonly at: number;
  /** How often it was seen. */
  seen: number;
}

/**
 * Compares what was committed with the channels' logs: each committed row is there once, in the order of the commits
 * as far as it is known, and nothing else is there. Returns what is wrong.
 */
export function violationsOf(
  committed: readonly Transaction[],
  logs: ReadonlyMap<string, readonly string[]>,
): string[] {
  const violations: string[] = [];
  const rows = new Map<string, Row>();
  for (const transaction of committed)
    for (const [at, { id, channel }] of transaction.rows.entries()) rows.set(id, { transaction, channel, at, seen: 0 });
  for (const [channel, ids] of logs) {
    /** The transaction that began last of those that have a row here, and how far each has come. */
    let newest: { id: string; begun: number } | undefined;
    const places = new Map<Transaction, { id: string; at: number }>();
    for (const id of ids) {
      const row = rows.get(id);
      if (!row) {
        violations.push(`${channel}: ${id} was never committed`);
        continue;
      }
      if (row.channel !== channel) violations.push(`${channel}: ${id} belongs to ${row.channel}`);
      if (++row.seen > 1) {
        violations.push(`${channel}: ${id} is there ${row.seen} times`);
        continue;
      }
      const { transaction, at } = row;
      const before = places.get(transaction);
      if (before && before.at > at) violations.push(`${channel}: ${id} follows ${before.id} of its own transaction`);
      places.set(transaction, { id, at });
      if (newest && transaction.ended < newest.begun)
        violations.push(`${channel}: ${id} was committed before ${newest.id} was begun, and follows it`);
      if (!newest || transaction.begun > newest.begun) newest = { id, begun: transaction.begun };
    }
  }
  for (const [id, { channel, seen }] of rows)
    if (seen === 0) violations.push(`${channel}: ${id} was committed and is not there`);
  return violations;
}
