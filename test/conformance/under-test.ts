/**
 * What the suite is run against. It needs an echo server and an echo client, nothing else; another library is
 * put to the same test by naming a module whose `subject` is one of these in ZOCALO_CONFORMANCE_SUBJECT.
 */
export interface Subject {
  name: string;
  /**
   * Listens on 127.0.0.1 and sends every message back as it came, text as text and binary as binary. Speaks the
   * subprotocol `echo.1` and permessage-deflate
   * with context takeover. A path /close?code=4001&reason=why closes at once.
   */
  serve(): Promise<{ port: number; stop(): Promise<void> }>;
  /**
   * Connects and sends every message back; with `closeWith` closes at once. Offers permessage-deflate, and
   * `protocols` if any. Resolves when the connection is over, rejects when it never opened.
   */
  connect(url: string, options: ClientOptions): Promise<void>;
}

export interface ClientOptions {
  closeWith?: [code: number, reason: string];
  protocols?: string[];
  /** What to offer of permessage-deflate: all of it, all but context takeover, nothing. Default 'takeover'. */
  compression?: 'takeover' | 'no takeover' | 'none';
}

/** Octets; the cases of group 9 go up to 16 MiB, and case 23.3 goes beyond this. */
export const MAX_MESSAGE = 64 * 2 ** 20;
/** Case 9.3.1 sends a message in 65,536 frames. */
export const MAX_FRAGMENTS = 100_000;

export async function subject(): Promise<Subject> {
  const module = await import(process.env.ZOCALO_CONFORMANCE_SUBJECT ?? './zocalo.ts');
  return module.subject;
}
