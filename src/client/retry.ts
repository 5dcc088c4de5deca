import type { Code, ProtocolError } from '../protocol/index.ts';
import { pauseBefore } from './reconnecting-socket.ts';

/** The codes whose `retry` is true in the protocol's table, without its sentences: those would be 600 bytes of the SDK. */
export const PASSING: ReadonlySet<string> = new Set<Code>([
  'RATE_LIMITED',
  'TOO_SLOW',
  'TOO_MANY_ERRORS',
  'TIMEOUT',
  'UNAVAILABLE',
  'SHUTTING_DOWN',
]);

/** When to try something again that may succeed later: when the server said, and a little more, as before connecting. */
export function pauseAfter(error: ProtocolError, failures: number, random: () => number): number {
  return (error.retryAfter ?? 0) + pauseBefore(failures, random(), 500, 15_000);
}
