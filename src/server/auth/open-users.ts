import type { Clock } from '../../clock.ts';
import type { LoginConfig } from '../config/index.ts';
import type { ThrottledLog } from '../operations/index.ts';
import { HashThreads } from './hashing/index.ts';
import type { Scrypt } from './password.ts';
import type { UserTable } from './user-table.ts';
import { Users } from './users.ts';

/** Milliseconds for an answer of the application's database. */
const PATIENCE = 4_000;

export interface OpenUsersOptions {
  readonly log: ThrottledLog;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly scrypt?: Scrypt | undefined;
  /** Where revocations are kept if the users are in the application's database. Undefined: in memory. */
  readonly revocations: string | undefined;
}

/** Opens the users of a configuration. @throws ZocaloError STORE_FAILED. */
export async function openUsers(config: LoginConfig['users'], options: OpenUsersOptions): Promise<UserTable> {
  const { log, clock, now, scrypt } = options;
  if (typeof config === 'string') {
    const users = new Users(config, { now, ...(scrypt && { scrypt }) });
    await users.open();
    return users;
  }
  // Most daemons do not need the memory for these.
  const [{ DatabaseUsers }, { Lookup }] = await Promise.all([
    import('./database-users.ts'),
    import('../../sources/index.ts'),
  ]);
  const revocations = new Users(options.revocations, { now });
  await revocations.open();
  const { database: address, table, columns: named } = config;
  const columns = {
    user: named.user ?? named.name,
    name: named.name,
    password: named.password,
    can: named.can,
    disabled: named.disabled,
  };
  const lookup = new Lookup({ address, table, columns, clock, patience: PATIENCE });
  const users = new DatabaseUsers(config, { lookup, hashing: new HashThreads(), revocations, log, clock });
  users.open();
  return users;
}
