import type { Rights } from '../../hub/index.ts';

/** A user who may log in. */
export interface KnownUser {
  readonly user: string;
  /** Undefined: the channels' options alone decide. */
  readonly rights: Rights | undefined;
}

/** Where the users and their passwords are. */
export interface UserTable {
  /** What stands for a name when failed logins are counted: names of one user must not count apart. */
  keyOf(name: string): string;
  /**
   * `known`: whether there is such a user; for the log, never for the visitor. It takes as long either way.
   * @throws Error when that cannot be told.
   */
  verify(name: string, password: string): Promise<{ known: boolean; user: KnownUser | undefined }>;
  /** Refuses all tokens of a user that were issued up to now. @throws ZocaloError STORE_FAILED. */
  revoke(user: string): void;
  /** When that was, in milliseconds since 1970; Infinity for a user who is shut out; undefined: never. */
  revokedAt(user: string): number | undefined;
  /** Whether logins can be checked; undefined where nothing can be in the way. */
  health?(): { readonly ok: boolean; readonly error?: string | undefined };
  close(): void;
}
