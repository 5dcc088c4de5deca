import { ZocaloError } from '../errors.ts';
import { ProtocolError } from '../protocol/index.ts';
import type { HubMessage } from './outgoing.ts';
import type { Report } from './report.ts';

/**
 * What a client is told about an error. The server's own failures are reported to its owner, and described to clients
 * in general terms, without paths and causes. `what` begins the report's message.
 */
export function answerOf({ report }: { readonly report: Report }, what: string, error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (error instanceof ZocaloError && error.code === 'KEY_REUSED')
    return new ProtocolError('KEY_REUSED', 'the key was used before, for other data');
  report(what, error);
  return error instanceof ZocaloError && error.code.startsWith('LOG_')
    ? new ProtocolError('UNAVAILABLE', 'the log cannot be written or read now')
    : new ProtocolError('INTERNAL', 'the server failed');
}

/** A refusal as the message that answers request `id`. */
export function errMessage(id: number, error: ProtocolError): HubMessage {
  const { code, message, retryAfter, reason } = error;
  const details = detailsOf(error);
  if (details !== undefined) return ['err', id, code, message, retryAfter ?? null, reason ?? null, details];
  if (reason !== undefined) return ['err', id, code, message, retryAfter ?? null, reason];
  return retryAfter === undefined ? ['err', id, code, message] : ['err', id, code, message, retryAfter];
}

/** The details, as far as they are JSON: a mistake in them must not hide the refusal. */
export function detailsOf({ details }: ProtocolError): unknown {
  try {
    return details === undefined ? undefined : JSON.parse(JSON.stringify(details));
  } catch {
    return undefined;
  }
}
