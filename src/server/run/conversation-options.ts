import type { Clock } from '../../clock.ts';
import type { ZocaloError } from '../../errors.ts';
import type { ThrottledLog } from '../operations/index.ts';
import type { Clients } from './clients.ts';
import type { ReadyOptions } from './command.ts';
import type { WaitingLimits } from './event-queue.ts';

/** One process of the program. */
export interface RunningProgram {
  /** A line to its channel. False: much waits to be read. */
  send(line: string): boolean;
  /** Writes at once what was sent. */
  flush(): void;
  /** Resolves when little waits. */
  drained(): Promise<void>;
  /** Ends it for a mistake of its own. */
  fail(error: ZocaloError): void;
}

export interface ConversationOptions {
  /** The program's name in the log. */
  readonly name: string;
  readonly version: string;
  readonly clients: Clients;
  readonly log: Pick<ThrottledLog, 'write'>;
  readonly clock: Clock;
  readonly waiting: WaitingLimits;
  /** What happens to a message that is too many: its client is closed with 1013, or gets an answer. */
  readonly whenFull: 'close' | 'answer';
  /** Milliseconds that an event may take. */
  readonly timeout: number;
  /** Calls it at the end of this turn of the event loop. */
  readonly defer: (action: () => void) => void;
  /** A process is ready. */
  readonly onReady: (options: ReadyOptions) => void;
}

/** How a process ended: by us, by itself, by a signal from outside, or by a crash. */
export type HowEnded = 'stopped' | 'exited' | 'killed' | 'crashed';
