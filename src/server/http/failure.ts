import { answerOf, detailsOf } from '../../hub/index.ts';
import { codeRow, ProtocolError } from '../../protocol/index.ts';

/** The codes that only the HTTP API has, besides the protocol's. */
export const API_CODES = {
  NO_SUCH_ROUTE: { status: 404, meaning: 'nothing exists at this path' },
  METHOD_NOT_ALLOWED: { status: 405, meaning: 'the path takes other methods: the header Allow names them' },
} as const;

/** The HTTP status for a code. For an application's own codes: 400. */
export function statusOf(code: string): number {
  return (
    codeRow(code)?.status ?? (Object.hasOwn(API_CODES, code) ? API_CODES[code as keyof typeof API_CODES].status : 400)
  );
}

/** The default pause in milliseconds before a retry, for errors that may pass. */
const RETRY = 1_000;

export interface Failure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly code: string;
    readonly message: string;
    readonly retryAfter?: number;
    readonly reason?: string;
    readonly details?: unknown;
  };
}

/** Makes an answer from an error. A failure of the server is passed to `report`, and described in general terms. */
export function failureOf(error: unknown, report: (what: string, cause: unknown) => void): Failure {
  const answer = answerOf({ report }, 'a call of the HTTP API failed', error);
  const { code, message, retryAfter, reason } = answer;
  const details = detailsOf(answer);
  const status = statusOf(code);
  const pause = retryAfter ?? (status === 503 || status === 429 ? RETRY : undefined);
  return {
    status,
    headers: {
      ...(pause !== undefined && { 'retry-after': String(Math.ceil(pause / 1_000)) }),
    },
    body: {
      code,
      message,
      ...(pause !== undefined && { retryAfter: pause }),
      ...(reason !== undefined && { reason }),
      ...(details !== undefined && { details }),
    },
  };
}

/** `what`: what the key may not do; `how`: which option forbids it. */
export function forbidden(what: string, how: string): ProtocolError {
  return new ProtocolError('FORBIDDEN', `the API key may not ${what}: ${how}`, undefined, 'RIGHT_MISSING');
}
