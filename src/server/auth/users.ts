import { ZocaloError } from '../../errors.ts';
import type { Rights } from '../../hub/index.ts';
import { LIMITS } from '../../protocol/index.ts';
import { Database, type DatabaseFormat } from '../../sqlite/index.ts';
import { formatGrants, parseGrants } from './grant-strings.ts';
import { hashPassword, isPassword, type PasswordHash, type Scrypt, systemScrypt } from './password.ts';
import { isUserId } from './user-id.ts';
import type { KnownUser, UserTable } from './user-table.ts';

/** Milliseconds for which another process, for example `zocalo users`, may lock the file. */
const LOCK_TIMEOUT = 2_000;

const SCHEMA = `
  CREATE TABLE users (
    user     TEXT PRIMARY KEY,
    salt     BLOB NOT NULL,
    hash     BLOB NOT NULL,
    n        INTEGER NOT NULL, -- scrypt's cost, block size and parallelism
    r        INTEGER NOT NULL,
    p        INTEGER NOT NULL,
    can      TEXT,             -- JSON: a list like ["sub:chat:*"]; NULL: the channels' options decide
    disabled INTEGER NOT NULL DEFAULT 0,
    created  INTEGER NOT NULL  -- milliseconds since 1970
  ) STRICT;
  CREATE TABLE revocations (   -- also of users who are only known from the tokens of other issuers
    user       TEXT PRIMARY KEY,
    revoked_at INTEGER NOT NULL
  ) STRICT;
`;

const FORMAT: DatabaseFormat = {
  applicationId: 0x7a6f6375, // "zocu"
  version: 1,
  isDurable: true,
  upgrade: (database) => database.exec(SCHEMA),
};

export interface UserRow extends KnownUser {
  readonly disabled: boolean;
  /** Milliseconds since 1970. */
  readonly created: number;
}

interface Row extends PasswordHash {
  user: string;
  can: string | null;
  disabled: number;
  created: number;
}

export interface UsersOptions {
  readonly scrypt?: Scrypt;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * The users table, in an SQLite file that the daemon and `zocalo users` may have open at the same time: each sees the
 * other's changes at once. Passwords are stored as scrypt hashes.
 */
export class Users implements UserTable {
  readonly #file: string | undefined;
  readonly #scrypt: Scrypt;
  readonly #now: () => number;
  #database: Database | undefined;

  /** `file` undefined: in memory. */
  constructor(file: string | undefined, { scrypt = systemScrypt, now = Date.now }: UsersOptions = {}) {
    this.#file = file;
    this.#scrypt = scrypt;
    this.#now = now;
  }

  /** Makes the file when there is none. @throws ZocaloError STORE_FAILED. */
  async open(): Promise<void> {
    try {
      this.#database = Database.open(this.#file, FORMAT, { lockTimeout: LOCK_TIMEOUT });
    } catch (cause) {
      throw failed(this.#file, cause);
    }
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
  }

  /** @throws ZocaloError BAD_OPTION for an invalid name, password or right, and for a user who exists already. */
  async add(user: string, password: string, rights?: Rights): Promise<void> {
    if (!isUserId(user)) {
      throw new ZocaloError('BAD_OPTION', 'the user cannot have that name', {
        advice: `give one of 1 to ${LIMITS.channel} characters, none of them a control character`,
      });
    }
    const { salt, hash, n, r, p } = await hashPassword(password, this.#scrypt);
    const added = this.#run(
      'INSERT INTO users (user, salt, hash, n, r, p, can, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      ...[user, salt, hash, n, r, p, canText(rights), this.#now()],
    );
    if (!added) throw new ZocaloError('BAD_OPTION', `there is a user ${user}`, { advice: 'choose another name' });
  }

  keyOf(name: string): string {
    return name;
  }

  /** Also revokes the user's tokens. False when there is no such user; likewise below. */
  remove(user: string): boolean {
    this.revoke(user);
    return this.#run('DELETE FROM users WHERE user = ?', user);
  }

  /** Also revokes the tokens made with the old password. @throws ZocaloError BAD_OPTION. */
  async setPassword(user: string, password: string): Promise<boolean> {
    const { salt, hash, n, r, p } = await hashPassword(password, this.#scrypt);
    this.revoke(user);
    return this.#run(
      'UPDATE users SET salt = ?, hash = ?, n = ?, r = ?, p = ? WHERE user = ?',
      salt,
      hash,
      n,
      r,
      p,
      user,
    );
  }

  /** Changes what the user may do, from the next login on. So the tokens that the user has are revoked. */
  setRights(user: string, rights: Rights | undefined): boolean {
    this.revoke(user);
    return this.#run('UPDATE users SET can = ? WHERE user = ?', canText(rights), user);
  }

  /** A disabled user cannot log in, and every token of theirs is refused. */
  setDisabled(user: string, disabled: boolean): boolean {
    return this.#run('UPDATE users SET disabled = ? WHERE user = ?', Number(disabled), user);
  }

  /** Refuses all tokens of a user that were issued up to now, whether or not the table has the user. */
  revoke(user: string): void {
    this.#run(
      'INSERT INTO revocations VALUES (?, ?) ON CONFLICT DO UPDATE SET revoked_at = excluded.revoked_at',
      user,
      this.#now(),
    );
  }

  /** When tokens were last revoked, in milliseconds since 1970; Infinity for a disabled user; undefined: never. */
  revokedAt(user: string): number | undefined {
    const row = this.#get(
      // Node 22 cannot bind a numbered parameter (?1).
      `SELECT (SELECT disabled FROM users WHERE user = ?) AS disabled,
        (SELECT revoked_at FROM revocations WHERE user = ?) AS revoked`,
      user,
      user,
    ) as { disabled: number | null; revoked: number | null };
    return row.disabled ? Number.POSITIVE_INFINITY : (row.revoked ?? undefined);
  }

  list(): UserRow[] {
    return (this.#all('SELECT * FROM users ORDER BY user') as unknown as Row[]).map(asUser);
  }

  async verify(user: string, password: string): Promise<{ known: boolean; user: UserRow | undefined }> {
    const row = this.#get('SELECT * FROM users WHERE user = ?', user) as unknown as Row | undefined;
    const isRight = await isPassword(password, row, this.#scrypt);
    // The user may have changed during the check.
    const now = this.#get('SELECT * FROM users WHERE user = ?', user) as unknown as Row | undefined;
    const isSame = row !== undefined && now !== undefined && Buffer.compare(row.hash, now.hash) === 0;
    return { known: row !== undefined, user: isRight && isSame && !now.disabled ? asUser(now) : undefined };
  }

  #run(sql: string, ...values: (string | number | null | Uint8Array)[]): boolean {
    return this.#try(() => this.#open.prepare(sql).run(...values).changes > 0);
  }

  #get(sql: string, ...values: string[]): unknown {
    return this.#try(() => this.#open.prepare(sql).get(...values));
  }

  #all(sql: string): unknown[] {
    return this.#try(() => this.#open.prepare(sql).all());
  }

  get #open(): Database {
    if (!this.#database) throw new Error('it is not open');
    return this.#database;
  }

  #try<T>(work: () => T): T {
    try {
      this.#open.check();
      return work();
    } catch (cause) {
      throw failed(this.#file, cause);
    }
  }
}

function failed(file: string | undefined, cause: unknown): ZocaloError {
  return new ZocaloError(
    'STORE_FAILED',
    `the users in ${file ?? 'memory'} cannot be used: ${(cause as Error).message}`,
    { cause },
  );
}

function canText(rights: Rights | undefined): string | null {
  return rights ? JSON.stringify(formatGrants(rights)) : null;
}

function asUser({ user, can, disabled, created }: Row): UserRow {
  return { user, rights: parseGrants(can === null ? undefined : JSON.parse(can)), disabled: disabled !== 0, created };
}
