import type { ErrorCode } from '../../../errors.ts';
import type { HandlerEvent } from '../event.ts';

/** A way on which events reach the application: each kind has a folder, and all pass the same tests. */
export interface Carrier {
  /** Begins what must run before the first event: programs. What fails there is logged, and tried again. */
  open?(): void;
  /**
   * Brings an event, and resolves with the text of its answer, which has not been checked. The events of one connection
   * arrive in the order of these calls, each after the answer to the one before; others at the same time.
   *
   * @throws ZocaloError HANDLER_UNREACHABLE, HANDLER_TIMEOUT, HANDLER_BAD_ANSWER; HANDLER_BUSY when too many wait.
   */
  ask(event: HandlerEvent): Promise<string>;
  /** The code of what keeps it from answering just now, where that is known before an event is brought. */
  trouble?(): ErrorCode | undefined;
  /** Waits for the answers to what was asked, `grace` milliseconds at most; what is left then fails. Then no more can be asked. */
  close(grace: number): Promise<void>;
}
