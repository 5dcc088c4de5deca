/** Frame types (RFC 6455 §5.2); 3–7 and 11–15 are reserved. */
export const OPCODE = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** First header byte: the last fragment of a message. */
export const FIN = 0x80;
/** First header byte: compressed, when permessage-deflate was negotiated (RFC 7692 §6). */
export const RSV1 = 0x40;
/** First header byte: bits that no extension here uses. */
export const RSV2_AND_3 = 0x30;
/** Second header byte: the payload is masked. */
export const MASKED = 0x80;
/** A control frame carries at most this many bytes (RFC 6455 §5.5). */
export const CONTROL_PAYLOAD = 125;
