import type { Clock } from '../../clock.ts';
import { ZocaloError } from '../../errors.ts';
import { type LookedUp, type Lookup, placeOf } from '../../sources/index.ts';
import type { UsersDatabase } from '../config/index.ts';
import type { ThrottledLog } from '../operations/index.ts';
import { parseGrants } from './grant-strings.ts';
import { dummyHash, type Hashing, readHash, usualCost } from './hashing/index.ts';
import { isUserId } from './user-id.ts';
import type { KnownUser, UserTable } from './user-table.ts';

/** Rows from which the usual cost of a hash is known. */
const SAMPLE = 50;
/** Rows that one name may find, where letters with and without accents are the same. */
const NAMESAKES = 10;
/** Milliseconds until a database that failed is tried again: doubled each time, up to the longest. */
const AGAIN = { first: 1_000, longest: 30_000 };
/** Milliseconds after which the usual cost is looked up again. */
const FRESH = 600_000;

type Name = 'user' | 'name' | 'password' | 'can' | 'disabled';

export interface DatabaseUsersParts {
  readonly lookup: Pick<Lookup<Name>, 'find' | 'some' | 'close'>;
  readonly hashing: Hashing;
  /** Remembers whose tokens are refused, since nothing is written to the application's database. */
  readonly revocations: Pick<UserTable, 'revoke' | 'revokedAt' | 'close'>;
  readonly log: ThrottledLog;
  readonly clock: Clock;
}

/** The users in a table of the application, which is only read. */
export class DatabaseUsers implements UserTable {
  readonly #config: UsersDatabase;
  readonly #parts: DatabaseUsersParts;
  #failure: ZocaloError | undefined;
  #failures = 0;
  /** A hash that no password has, with the cost that most have. Compared with where there is no other. */
  #dummy = dummyHash();
  #cost: string | undefined;
  #looked: Promise<void> | undefined;
  #cancel = (): void => {};
  #isClosed = false;

  constructor(config: UsersDatabase, parts: DatabaseUsersParts) {
    this.#config = config;
    this.#parts = parts;
  }

  /** Begins to look at the table, and does not wait for it: the daemon works without it. */
  open(): void {
    this.#looked = this.#look();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    const { lookup, hashing, revocations } = this.#parts;
    for (const part of [lookup, hashing, revocations]) part.close();
  }

  /** A database may take `Ana` for `ana`: then both are one user. */
  keyOf(name: string): string {
    return name.toLowerCase();
  }

  async verify(name: string, password: string): Promise<{ known: boolean; user: KnownUser | undefined }> {
    await this.#looked;
    const row = await this.#find(name);
    const stored = row && readHash(row.password ?? '');
    if (row && !stored) {
      const what = row.password === null ? 'there is none' : 'its form is unknown, or its check costs too much';
      this.#log('warn', { user: row.user, what }, 'the hash of a password cannot be used');
    }
    const isRight = await this.#parts.hashing.verify(password, stored?.text ?? this.#dummy);
    // The user may have changed during the check.
    const now = isRight && stored ? await this.#find(name) : undefined;
    const isSame = now !== undefined && now.user === row?.user && now.password === stored?.text;
    return { known: row !== undefined, user: isSame && !isTrue(now.disabled) ? asUser(now) : undefined };
  }

  revoke(user: string): void {
    this.#parts.revocations.revoke(user);
  }

  revokedAt(user: string): number | undefined {
    return this.#parts.revocations.revokedAt(user);
  }

  health(): { ok: boolean; error?: string | undefined } {
    return { ok: this.#failure === undefined, error: this.#failure?.code };
  }

  /** Finds out whether the table can be read, and how its passwords are stored. It never rejects. */
  async #look(): Promise<void> {
    try {
      const rows = await this.#read(() => this.#parts.lookup.some(SAMPLE));
      const cost = usualCost(rows.map(({ password }) => password ?? ''));
      if (cost !== this.#cost) this.#dummy = dummyHash(cost);
      this.#cost = cost;
      this.#lookIn(FRESH);
    } catch {
      // It was logged, and is tried again.
    }
  }

  #lookIn(pause: number): void {
    this.#cancel();
    if (!this.#isClosed) this.#cancel = this.#parts.clock.after(pause, () => void this.#look());
  }

  /**
   * The one user with that name. Databases may also find other accents, and spaces at the end: these are other names
   * here, or else each way to write a name would have failures of its own.
   */
  async #find(name: string): Promise<LookedUp<Name> | undefined> {
    // Postgres takes no NUL.
    if (!isUserId(name)) return undefined;
    const found = await this.#read(() => this.#parts.lookup.find('name', name, NAMESAKES));
    const same = found.filter((row) => row.name !== null && this.keyOf(row.name) === this.keyOf(name));
    const [row, ...others] = same.some((row) => row.name === name) ? same.filter((row) => row.name === name) : same;
    if (others.length > 0) throw new Error('two users have the name');
    return row;
  }

  /** A failure is told to the log, to `/health` and to the caller. */
  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      const found = await read();
      if (this.#failure) this.#log('info', {}, 'the users of the login can be read again');
      this.#failure = undefined;
      this.#failures = 0;
      return found;
    } catch (cause) {
      const error = cause instanceof ZocaloError ? cause : new ZocaloError('UNEXPECTED', String(cause), { cause });
      // One that is closed fails too.
      if (!this.#isClosed) this.#failed(error);
      throw error;
    }
  }

  #failed(err: ZocaloError): void {
    const again = Math.min(AGAIN.longest, AGAIN.first * 2 ** this.#failures++);
    this.#failure = err;
    this.#log('error', { err, again }, 'the users of the login cannot be read, so nobody can log in');
    this.#lookIn(again);
  }

  #log(level: 'info' | 'warn' | 'error', fields: object, sentence: string): void {
    const { database, table } = this.#config;
    this.#parts.log.write(level, `login ${sentence}`, { database: placeOf(database), table, ...fields }, sentence);
  }
}

/** As Postgres, MySQL and SQLite write a boolean as text; in MySQL a BIT is a character. Any other value is true. */
function isTrue(value: string | null): boolean {
  return value !== null && !['', '0', 'f', 'false', '\0'].includes(value);
}

/** @throws Error, RangeError. */
function asUser({ user, can }: LookedUp<Name>): KnownUser {
  if (!isUserId(user)) throw new Error('the column of auth.login.users.columns.user has a value that cannot be a user');
  return { user, rights: parseGrants(can === null ? undefined : JSON.parse(can)) };
}
