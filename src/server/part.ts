import type { Config } from './config/index.ts';

/**
 * One part of the daemon. The parts are opened in the order of their list and closed in reverse; a reload of the
 * configuration involves each of them. To add a part, write it in its own folder and add it to `assemble` (parts.ts).
 */
export interface Part {
  /** For the log: 'the webhooks'. */
  readonly name: string;
  /** The keys of the configuration that a reload may change because this part follows them. Default: none. */
  readonly reloads?: readonly (keyof Config)[];
  /** It accepts clients. Such parts are at the end of the list, and close at the same time. */
  readonly isListener?: boolean;
  /** An error ends the start. The part itself is then closed too, since it may be half open. */
  open?(): unknown;
  /**
   * Prepares everything of another configuration that can fail, while the current one keeps running. Undefined: nothing
   * changes for this part. @throws to refuse the whole reload.
   */
  prepare?(next: Config, now: Config): Change | undefined | Promise<Change | undefined>;
  /** `grace`: the time that it has, in milliseconds. */
  close?(grace: number): unknown;
}

/** What a part has prepared for a reload. One of the two is called, once. */
export interface Change {
  /** Applies the change. Cannot fail. */
  commit(): void;
  /** Drops the change: everything stays as it was. */
  discard?(): void;
}

/** Whether the value of a key has changed. */
export function changes(key: keyof Config, next: Config, now: Config): boolean {
  return JSON.stringify(next[key]) !== JSON.stringify(now[key]);
}
