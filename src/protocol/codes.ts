/** What is known of a code. */
export interface CodeRow {
  /** Whether the very same request may succeed later, unchanged. */
  readonly retry: boolean;
  /** The status of an HTTP answer with it (RFC 9110 §15). */
  readonly status: number;
  /** The close code of a WebSocket that ends with it, where `retry` does not say enough: see `closeCode`. */
  readonly close?: number;
  /** The client did nothing wrong: it does not count towards TOO_MANY_ERRORS. */
  readonly forgiven?: true;
  readonly meaning: string;
}

/**
 * Every code that goes over the wire, once: in `err` (an answer), `end` (a subscription) and `bye` (a connection). Where
 * the server knows when to try again, it adds the milliseconds. A call's handler may answer with codes of its own
 * besides these.
 */
export const CODES = {
  // what was sent
  BAD_MESSAGE: {
    retry: false,
    status: 400,
    meaning: 'the line is not a JSON array, or a part of it has the wrong type or size',
  },
  UNKNOWN_VERB: { retry: false, status: 400, meaning: 'the first element of the array is not a verb of this protocol' },
  TOO_LARGE: { retry: false, status: 413, meaning: 'the data is larger than this channel or server allows' },
  BAD_DATA: { retry: false, status: 422, meaning: 'the data does not fit the schema of this channel or method' },
  BAD_CHANNEL: {
    retry: false,
    status: 400,
    meaning: 'the text is not a valid channel name or pattern',
  },
  BAD_POSITION: {
    retry: false,
    status: 400,
    forgiven: true,
    meaning: 'the position is beyond the end of the log: it was never assigned',
  },
  KEY_REUSED: { retry: false, status: 422, meaning: 'the key was used before, for other data' },
  // who sent it
  HI_FIRST: { retry: false, status: 400, meaning: 'a request came before `hi`, or a second `hi` came' },
  UNAUTHORIZED: { retry: false, status: 401, meaning: 'the token is missing, wrong or expired: get a new one' },
  FORBIDDEN: { retry: false, status: 403, meaning: 'this user may not do that here' },
  // what was asked for
  ALREADY_SUBSCRIBED: { retry: false, status: 409, meaning: 'this connection has that subscription already' },
  NOT_SUBSCRIBED: { retry: false, status: 404, forgiven: true, meaning: 'this connection has no such subscription' },
  NOT_OFFERED: {
    retry: false,
    status: 404,
    forgiven: true,
    meaning: 'the channel has no history, no presence or no patterns, or the server has no entry for it',
  },
  NO_SUCH_METHOD: { retry: false, status: 404, meaning: 'the server has no method of that name' },
  // how much
  TOO_MANY_SUBSCRIPTIONS: {
    retry: false,
    status: 400,
    meaning: 'this connection has as many subscriptions as it may have',
  },
  RATE_LIMITED: { retry: true, status: 429, forgiven: true, meaning: 'too many requests in too short a time' },
  TOO_SLOW: {
    retry: true,
    status: 503,
    meaning: 'the subscriber reads more slowly than others publish: subscribe again from your position',
  },
  TOO_MANY_ERRORS: { retry: true, status: 429, meaning: 'too many bad requests: the connection ends' },
  // the server's side
  TIMEOUT: {
    retry: true,
    status: 504,
    forgiven: true,
    meaning: 'no answer came in time; whether it was done is not known',
  },
  UNAVAILABLE: {
    retry: true,
    status: 503,
    forgiven: true,
    meaning: 'the log cannot be written or read now, or the user to be called is not connected; nothing was done',
  },
  INTERNAL: {
    retry: false,
    status: 500,
    close: 1011,
    forgiven: true,
    meaning: 'a program on the server failed, and its owner was notified',
  },
  // the end of something
  CLOSED: {
    retry: false,
    status: 410,
    close: 1000,
    meaning: 'the server ended this subscription or connection on purpose',
  },
  REPLACED: { retry: false, status: 409, meaning: 'another connection resumed this session' },
  SHUTTING_DOWN: { retry: true, status: 503, close: 1012, meaning: 'the server is stopping or restarting: reconnect' },
} as const satisfies Readonly<Record<string, CodeRow>>;

export type Code = keyof typeof CODES;

/** Why a client was refused, where one code has several causes that a program must distinguish. */
export const REASONS = {
  NO_TOKEN: 'there are no credentials, and anonymous users are not accepted',
  TOKEN_EXPIRED: 'the token has expired',
  TOKEN_INVALID: 'the token is forged, damaged, or not meant for this server',
  TOKEN_REVOKED: 'the token was revoked, or its user is disabled',
  LOGIN_FAILED: 'no such user and password',
  REFUSED: 'the application refused',
  NO_KEY: 'the call needs an API key, and came without one',
  KEY_UNKNOWN: 'the API key is not one of the configured keys',
  ORIGIN: 'pages of this origin may not connect',
  RIGHT_MISSING: 'the token or key does not have the right',
  CHANNEL_OPTION: "the channel's options do not allow it",
} as const;

export type Reason = keyof typeof REASONS;

/** The row of a code; undefined for one that is not in the table, a handler's own. */
export function codeRow(code: string): CodeRow | undefined {
  return Object.hasOwn(CODES, code) ? CODES[code as Code] : undefined;
}

/** Whether the same request may succeed later. A code that is not in the table says no. */
export function mayRetry(code: string): boolean {
  return codeRow(code)?.retry ?? false;
}

const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

/**
 * The close code (RFC 6455 §7.4.1, and the registry's 1012 and 1013) of a WebSocket that ends with a code of the table.
 * It follows from `retry` but for a few, so that no connection ends with 1008, which clients take as final, for a reason
 * that passes.
 */
export function closeCode(code: Code): number {
  const { close, retry }: CodeRow = CODES[code];
  return close ?? (retry ? TRY_AGAIN_LATER : POLICY_VIOLATION);
}

/**
 * An answer `err` as an exception: the hub throws it to refuse a request, the SDK rejects with it.
 * `code` is one of `CODES`, or a call handler's own; match it, never the message.
 */
export class ProtocolError extends Error {
  readonly code: string;
  /** Milliseconds to wait before the same request may succeed; undefined when it will not, or nobody knows. */
  readonly retryAfter: number | undefined;
  /** Why, for programs: one of `REASONS`; undefined where the code says it all. */
  readonly reason: string | undefined;
  /** More, for programs, as JSON: `DataIssues` for BAD_DATA, and whatever the application adds to its own refusals. */
  readonly details: unknown;

  constructor(
    code: Code | (string & {}),
    message: string,
    retryAfter?: number | null,
    reason?: Reason | (string & {}) | null,
    details?: unknown,
  ) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
    this.retryAfter = retryAfter ?? undefined;
    this.reason = reason ?? undefined;
    this.details = details;
  }
}
