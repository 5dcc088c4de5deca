import type { Config } from './config/index.ts';

/**
 * One part of the daemon. The parts are opened in the order of their list and closed in reverse, and a reload of the
 * configuration asks each of them. Write the part in a folder of its own and name it in `assemble` (parts.ts).
 */
export interface Part {
  /** For the log: 'the webhooks'. */
  readonly name: string;
  /** The keys of the configuration that a reload may change because this part follows them. Default: none. */
  readonly reloads?: readonly (keyof Config)[];
  /** It lets somebody in. Such parts stand together at the end of the list, and close at the same time. */
  readonly isDoor?: boolean;
  /** What it throws ends the start; it is closed then too, since it may have opened half of what it needs. */
  open?(): unknown;
  /**
   * Makes all of another configuration that can fail, beside what runs. Undefined: nothing changes for this part.
   * @throws what refuses the whole reload.
   */
  prepare?(next: Config, now: Config): Change | undefined | Promise<Change | undefined>;
  /** `grace`: the milliseconds that it has. */
  close?(grace: number): unknown;
}

/** What a part has prepared for a reload. One of the two is called, once. */
export interface Change {
  /** Takes it. Cannot fail. */
  commit(): void;
  /** Drops it: everything is as before. */
  discard?(): void;
}

/** Whether a key of the configuration has another value. */
export function changes(key: keyof Config, next: Config, now: Config): boolean {
  return JSON.stringify(next[key]) !== JSON.stringify(now[key]);
}
