import { ProtocolError } from '../protocol/index.ts';

/** Milliseconds after which the same may be asked again; the SDK adds a random part. */
const BUSY = 2_000;
const FAILED = 3_000;

/** Too much is asked at once, or it took too long. */
export function busy(message: string): ProtocolError {
  return new ProtocolError('UNAVAILABLE', message, BUSY);
}

/** What the answer depends on has failed, or changed meanwhile. */
export function unavailable(message: string): ProtocolError {
  return new ProtocolError('UNAVAILABLE', message, FAILED);
}
