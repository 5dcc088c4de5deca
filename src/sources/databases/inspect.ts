import { openNotifications, openOutbox } from './dialects.ts';
import { NO_ROW, type OutboxMeasure } from './outbox.ts';

/**
 * Tries all that a source does with its outbox, and changes nothing. `notifications`: where it listens, if elsewhere. Rows are locked for a moment, which other daemons
 * pass over. @throws ZocaloError DRIVER_MISSING, DATABASE_UNREACHABLE, DATABASE_FAILED: what is missing.
 */
export async function inspectOutbox(address: string, table: string, notifications?: string): Promise<OutboxMeasure> {
  if (notifications !== undefined) (await openNotifications(notifications, table, () => {})).close();
  const outbox = await openOutbox(address, table, notifications === undefined ? () => {} : undefined);
  try {
    await outbox.take();
    await outbox.settle({ done: [NO_ROW], aside: [{ id: NO_ROW, error: '' }] });
    return await outbox.measure();
  } finally {
    outbox.close();
  }
}
