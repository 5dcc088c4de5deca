import { ZocaloError } from '../errors.ts';
import { ProtocolError, type ServerMessage } from '../protocol/index.ts';
import type { Report } from './report.ts';

/**
 * What a client is told of an error. What is the server's own failure is reported to its owner, and told in general
 * terms: a client has no business with paths and causes. `what` begins the report's sentence.
 */
export function answerOf({ report }: { readonly report: Report }, what: string, error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (error instanceof ZocaloError && error.code === 'KEY_REUSED')
    return new ProtocolError('KEY_REUSED', 'the key was used before, for other data');
  report(what, error);
  return error instanceof ZocaloError && error.code.startsWith('LOG_')
    ? new ProtocolError('UNAVAILABLE', 'the log cannot take or give anything just now')
    : new ProtocolError('INTERNAL', 'the server failed at this request');
}

/** A refusal as the line that answers request `id`. */
export function errLine(id: number, { code, message, retryAfter, reason }: ProtocolError): ServerMessage {
  if (reason !== undefined) return ['err', id, code, message, retryAfter ?? null, reason];
  return retryAfter === undefined ? ['err', id, code, message] : ['err', id, code, message, retryAfter];
}
