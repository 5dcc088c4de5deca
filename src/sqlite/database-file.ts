import { closeSync, openSync, statSync } from 'node:fs';

/**
 * A database's file on the disk. SQLite goes on with a file that somebody has deleted or replaced: what it commits then
 * is gone with the process, and nothing says so but this.
 */
export class DatabaseFile {
  readonly #path: string;
  #identity: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Makes the file where there is none, for its owner alone, as SQLite's own beside it then are too. What keeps it from
   * being made is SQLite's to tell.
   */
  make(): void {
    try {
      closeSync(openSync(this.#path, 'a', 0o600));
    } catch {
      // It may be there and only be read, or its folder is missing.
    }
  }

  /** Remembers which file it is, the first time. @throws Error when it is another one later, or none. */
  check(): void {
    const found = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    const identity = found && `${found.dev} ${found.ino}`;
    this.#identity ??= identity;
    if (identity === undefined || identity !== this.#identity)
      throw new Error(`${this.#path} was deleted or replaced while it was in use; restart this program`);
  }
}
