import type { Position } from '../protocol/index.ts';
import type { Broker, Entry } from './broker.ts';

/**
 * What a broker may offer besides, if several processes share its store: it remembers publications with `needsFollowUp`
 * from the step in which they enter the log until what is to be done after them is done. So another process can do it for
 * one that has died, or was not told that its publication was stored. What nobody does is forgotten after a week.
 */
export interface FollowUps {
  /** These need no follow-up any more. Those that are not remembered are ignored. Rejects with LOG_…. */
  done(publications: readonly Published[]): Promise<void>;

  /**
   * Does what others have left undone: calls `work` with those that were published more than `age` milliseconds ago and
   * are remembered still, some at a time, those of a channel in the order of their offsets. They are forgotten when it
   * resolves. Rejects with the first error of it or LOG_…, after all else was done.
   */
  finish(age: number, work: (unfinished: readonly Unfinished[]) => Promise<void>): Promise<void>;
}

export interface Published {
  readonly channel: string;
  readonly position: Position;
}

export interface Unfinished extends Published {
  /** Undefined when the log has it no more. */
  readonly entry: Entry | undefined;
}

export function hasFollowUps<T extends Broker>(broker: T): broker is T & { readonly followUps: FollowUps } {
  return 'followUps' in broker;
}
