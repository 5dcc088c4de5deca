import type { FlushQueue } from './flush-queue.ts';
import type { ConnectionLimits } from './limits.ts';
import type { TimerWheel } from './timer-wheel.ts';

/** What the connections of one server, or all clients of a thread, share. */
export interface ConnectionContext {
  readonly flushQueue: FlushQueue;
  readonly wheel: TimerWheel;
  readonly limits: ConnectionLimits;
}
