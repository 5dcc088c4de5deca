import type { Verdict } from './oracle.ts';

export interface ChaosOptions {
  seed: number;
  /** Publications; a few more are made to show the gap and to end with. */
  messages: number;
  kills: number;
  /** Readers that come back at once. */
  readers: number;
  /** Milliseconds after which it is given up, and who waits for what is told. */
  patience: number;
}

export interface Summary extends Verdict {
  readonly kills: number;
  readonly cuts: number;
  readonly stalls: number;
  readonly delays: number;
  /** Times that a reader was slow. */
  readonly slow: number;
  readonly reloads: number;
  /** Reloads that failed because no file could be opened. */
  readonly refusedReloads: number;
  /** Silent connections that came. */
  readonly silent: number;
  /** Connections that the server cut off to keep files for others. */
  readonly full: number;
  /** Readers that came back at once, and seconds until the last of them had everything. */
  readonly readers: number;
  readonly secondsUntilBack: number;
  /** MiB, the most that the server had; 0 where the system does not tell. */
  readonly memory: number;
}
