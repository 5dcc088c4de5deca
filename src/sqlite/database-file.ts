import { closeSync, openSync, statSync } from 'node:fs';

/**
 * A database's file on the disk. SQLite continues with a file that was deleted or replaced: what it then commits is
 * lost when the process ends, and only this class notices.
 */
export class DatabaseFile {
  readonly #path: string;
  #identity: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Creates the file if necessary, for its owner alone; SQLite's own files beside it then have the same mode. An error
   * is left for SQLite to report.
   */
  make(): void {
    try {
      closeSync(openSync(this.#path, 'a', 0o600));
    } catch {
      // It may exist as read-only, or its folder is missing.
    }
  }

  /** Remembers which file it is, the first time. @throws Error when it is a different one later, or gone. */
  check(): void {
    const found = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    const identity = found && `${found.dev} ${found.ino}`;
    this.#identity ??= identity;
    if (identity === undefined || identity !== this.#identity)
      throw new Error(`${this.#path} was deleted or replaced while it was in use; restart this program`);
  }
}
