import { Buffer } from 'node:buffer';

/** Close codes (RFC 6455 §7.4.1 and the IANA registry). */
export const CLOSE = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  UNSUPPORTED: 1003,
  /** Never on the wire: the close frame carried no code. */
  NO_STATUS: 1005,
  /** Never on the wire: the connection ended without a close frame. */
  ABNORMAL: 1006,
  INVALID_PAYLOAD: 1007,
  POLICY_VIOLATION: 1008,
  TOO_BIG: 1009,
  MISSING_EXTENSION: 1010,
  INTERNAL_ERROR: 1011,
  SERVICE_RESTART: 1012,
  TRY_AGAIN_LATER: 1013,
  BAD_GATEWAY: 1014,
} as const;

/** Whether a close frame may carry `code`: 1000–1003, 1007–1014, and 3000–4999 for libraries and applications. */
export function mayBeSent(code: number): boolean {
  return (
    Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))
  );
}

/** Bytes of a reason: what a control frame has beside the code (RFC 6455 §5.5). */
export const MAX_REASON = 123;

/** The reason as far as a close frame has room for it, in whole characters. */
export function shortReason(reason: string): string {
  if (Buffer.byteLength(reason) <= MAX_REASON) return reason;
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(MAX_REASON));
  return reason.slice(0, read);
}
