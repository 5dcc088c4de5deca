/** An INSERT with its values in the text, as all kinds of databases read it. */
export function literal(channel: string, data: string, key?: string): string {
  const quoted = [channel, data, key].map((value) =>
    value === undefined ? 'NULL' : `'${value.replaceAll("'", "''")}'`,
  );
  return `INSERT INTO zocalo_outbox (channel, data, idempotency_key) VALUES (${quoted})`;
}
