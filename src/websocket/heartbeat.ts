import type { ConnectionLimits } from './limits.ts';
import type { TimerWheel } from './timer-wheel.ts';

/** When a connection last received something, in ticks of its wheel. */
export interface Vitals {
  /** Any bytes at all. */
  readonly heardAt: number;
  /** A message. */
  readonly messageAt: number;
  /** When a ping was sent that nothing has followed yet; -1 for none. */
  readonly pingedAt: number;
}

/** What a connection has to do: end as lost, close as idle, send a ping, or only wait. */
export type Due = 'lost' | 'idle' | 'ping' | 'nothing';

type Times = Pick<ConnectionLimits, 'pingInterval' | 'pongTimeout' | 'idleTimeout'>;

/** What is due now. Silence first causes a ping, and only further silence ends the connection. */
export function whatIsDue({ heardAt, messageAt, pingedAt }: Vitals, wheel: TimerWheel, limits: Times): Due {
  const past = (since: number, limit: number) => limit > 0 && wheel.now - since >= wheel.ticks(limit);
  if (past(messageAt, limits.idleTimeout)) return 'idle';
  if (pingedAt >= 0) return past(pingedAt, limits.pongTimeout) ? 'lost' : 'nothing';
  return past(heardAt, limits.pingInterval) ? 'ping' : 'nothing';
}

/** Milliseconds until something may be due; 0 when nothing will be. */
export function untilDue({ heardAt, messageAt, pingedAt }: Vitals, wheel: TimerWheel, limits: Times): number {
  const until = (since: number, limit: number) =>
    limit > 0 ? Math.max(1, since + wheel.ticks(limit) - wheel.now) * wheel.tick : Number.POSITIVE_INFINITY;
  const alive = pingedAt >= 0 ? until(pingedAt, limits.pongTimeout) : until(heardAt, limits.pingInterval);
  const next = Math.min(alive, until(messageAt, limits.idleTimeout));
  return next === Number.POSITIVE_INFINITY ? 0 : next;
}
