/** What is known of a reason to refuse a connection before anybody is identified. */
interface RefusalRow {
  /** The HTTP status with which the WebSocket engine refuses for it. */
  readonly status?: number;
  /** What to change in the configuration when such a refusal is not wanted. */
  readonly advice?: string;
}

/** Every such reason, as in the log, in the metrics and on the admin's page. */
export const REFUSAL_REASONS = {
  origin: { status: 403, advice: 'add it to the key origins, if the page is yours' },
  host: { status: 421, advice: 'add it to the key hosts, if it is yours' },
  address_connections: { advice: 'raise limits.connectionsPerAddress; add a proxy to the key proxies' },
  address_rate: { advice: 'raise limits.connectsPerSecond; add a proxy to the key proxies' },
  full_or_closing: { status: 503, advice: 'raise limits.connections, unless the daemon is stopping' },
  failed: { status: 500 },
  handshake: {},
  open_files: {},
} as const satisfies Readonly<Record<string, RefusalRow>>;

export type RefusalReason = keyof typeof REFUSAL_REASONS;

/** Called for each refused connection, handshake and request. `sentence` is what the client was told. */
export type OnRefused = (reason: RefusalReason, address: string, sentence: string) => void;

export function adviceFor(reason: RefusalReason): string | undefined {
  return (REFUSAL_REASONS[reason] as RefusalRow).advice;
}

/** Why the engine refused with a status: any other than those of the table is a bad handshake. */
export function reasonOf(status: number): RefusalReason {
  const rows = Object.entries(REFUSAL_REASONS) as [RefusalReason, RefusalRow][];
  return rows.find(([, row]) => row.status === status)?.[0] ?? 'handshake';
}
