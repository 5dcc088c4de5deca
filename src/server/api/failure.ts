import { answerOf } from '../../hub/index.ts';
import { type Code, ProtocolError } from '../../protocol/index.ts';

/** The codes that only the HTTP API has, besides the protocol's. */
export const API_CODES = {
  NO_SUCH_ROUTE: 'there is nothing at this path',
  METHOD_NOT_ALLOWED: 'the path takes other methods: the header Allow names them',
} as const;

/** The HTTP status that goes with each code (RFC 9110 §15). Of a method's own code: 400. */
export const STATUSES: Readonly<Record<Code | keyof typeof API_CODES, number>> = {
  BAD_MESSAGE: 400,
  UNKNOWN_VERB: 400,
  TOO_LARGE: 413,
  BAD_DATA: 422,
  BAD_CHANNEL: 400,
  BAD_POSITION: 400,
  KEY_REUSED: 422, // as the IETF's draft of Idempotency-Key has it
  HI_FIRST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  ALREADY_SUBSCRIBED: 409,
  NOT_SUBSCRIBED: 404,
  NOT_OFFERED: 404,
  NO_SUCH_METHOD: 404,
  TOO_MANY_SUBSCRIPTIONS: 400,
  RATE_LIMITED: 429,
  TOO_SLOW: 503,
  TOO_MANY_ERRORS: 429,
  TIMEOUT: 504,
  UNAVAILABLE: 503,
  INTERNAL: 500,
  CLOSED: 410,
  REPLACED: 409,
  SHUTTING_DOWN: 503,
  NO_SUCH_ROUTE: 404,
  METHOD_NOT_ALLOWED: 405,
};

/** Milliseconds after which something is tried again that may succeed later, when nobody knows better. */
const RETRY = 1_000;

export interface Failure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly code: string;
    readonly message: string;
    readonly retryAfter?: number;
    readonly reason?: string;
  };
}

/** An error as an answer. What is the server's own failure is given to `report`, and told in general terms. */
export function failureOf(error: unknown, report: (what: string, cause: unknown) => void): Failure {
  const { code, message, retryAfter, reason } = answerOf({ report }, 'a call of the HTTP API failed', error);
  const status = Object.hasOwn(STATUSES, code) ? STATUSES[code as Code] : 400;
  const pause = retryAfter ?? (status === 503 || status === 429 ? RETRY : undefined);
  return {
    status,
    headers: {
      ...(status === 401 && { 'WWW-Authenticate': 'Bearer realm="zocalo"' }),
      ...(pause !== undefined && { 'Retry-After': String(Math.ceil(pause / 1_000)) }),
    },
    body: { code, message, ...(pause !== undefined && { retryAfter: pause }), ...(reason !== undefined && { reason }) },
  };
}

/** `what` the key may not do, and `how` to let it. */
export function forbidden(what: string, how: string): ProtocolError {
  return new ProtocolError('FORBIDDEN', `the API key may not ${what}: ${how}`, undefined, 'RIGHT_MISSING');
}
