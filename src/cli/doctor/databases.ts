import { systemClock } from '../../clock.ts';
import type { Config, OutboxConfig } from '../../server/config/index.ts';
import { databaseAddress } from '../../server/databases/index.ts';
import { type Sink, sinksOf } from '../../server/sinks/index.ts';
import { inspectOutbox, inspectTable, Lookup, placeOf } from '../../sources/index.ts';
import { type Finding, failure, ok, problem, warning } from './finding.ts';

/** Milliseconds for an answer of the database of the login. */
const PATIENCE = 10_000;
/** Milliseconds that a row may wait before that is worth a warning. */
const LATE = 60_000;

/** Whether each outbox, the table of the login and those of sinks can be reached and used. Nothing is changed. */
export async function lookAtDatabases(config: Config): Promise<Finding[]> {
  const { sources, databases, auth } = config;
  const outboxes = Object.entries(sources).map(([name, config]) =>
    'database' in config
      ? lookAtOutbox(`source ${name}`, config, (database) => databaseAddress(database, databases))
      : [],
  );
  const sinks = Object.entries(sinksOf(config)).map(([name, sink]) => lookAtSink(`sink ${name}`, sink));
  const findings = await Promise.all([...outboxes, ...sinks, lookAtUsers(auth.login?.users, databases)]);
  return findings.flat();
}

async function lookAtOutbox(
  about: string,
  { database, table, notifications }: OutboxConfig,
  addressOf: (database: string) => string,
): Promise<Finding[]> {
  const address = addressOf(database);
  try {
    const { waiting, lag, aside } = await inspectOutbox(
      address,
      table,
      notifications === undefined ? undefined : addressOf(notifications),
    );
    const place = `${table} of ${placeOf(address)}`;
    const rows = waiting === 1 ? '1 row waits' : `${waiting} rows wait`;
    const since = waiting > 0 ? `, the oldest for ${Math.round(lag / 1_000)} s` : '';
    return [
      lag > LATE && waiting > 0
        ? warning(about, `${place}: ${rows}${since}`, 'start the daemon, or see its log for this source')
        : ok(about, `${place} can be read and emptied; ${rows}${since}`),
      ...(aside > 0
        ? [
            warning(
              about,
              `${place}: ${aside === 1 ? '1 row was' : `${aside} rows were`} set aside with an error`,
              'read its column error; then correct the row and set error to NULL, or delete it',
            ),
          ]
        : []),
    ];
  } catch (error) {
    return [failure(about, error)];
  }
}

async function lookAtSink(about: string, { address, table, columns }: Sink): Promise<Finding[]> {
  try {
    const faults = await inspectTable({ address, table, columns: Object.keys(columns) });
    if (faults.length === 0) return [ok(about, `${table} of ${placeOf(address)} can be written`)];
    return faults.map(({ isSerious, happened, advice }) => (isSerious ? problem : warning)(about, happened, advice));
  } catch (error) {
    return [failure(about, error)];
  }
}

async function lookAtUsers(
  users: NonNullable<Config['auth']['login']>['users'] | undefined,
  databases: Config['databases'],
): Promise<Finding[]> {
  if (users === undefined || typeof users === 'string') return [];
  const { database, table, columns } = users;
  const address = databaseAddress(database, databases);
  const lookup = new Lookup<string>({ address, table, columns, clock: systemClock, patience: PATIENCE });
  try {
    const [row] = await lookup.some(1);
    const place = `${table} of ${placeOf(address)}`;
    return [row ? ok('login', `${place} can be read`) : warning('login', `${place} has no users`, 'check its name')];
  } catch (error) {
    return [failure('login', error)];
  } finally {
    lookup.close();
  }
}
