import { ZocaloError } from '../../errors.ts';
import { dialectOf } from './dialects.ts';
import { placeOf } from './failure.ts';
import { type TableName, tableName, tableText } from './identifiers.ts';
import type { Dialect, Session } from './session.ts';
import { type Column, channelParts, type Home } from './triggers.ts';

/** Characters of a user's name that MySQL allows. */
const USER_LENGTH = 32;

/** What would be done to a database, and how to do it. Close it in the end. */
export interface Plan {
  /** In their order. */
  readonly statements: readonly string[];
  /** The address that the source needs; undefined when the outbox was there before, with its user. */
  readonly address?: string | undefined;
  run(): Promise<void>;
  close(): void;
}

export interface AttachOptions {
  readonly address: string;
  /** A name, or in Postgres `schema.name`, in MySQL `database.name`; the outbox likewise. */
  readonly table: string;
  readonly channel: string;
  readonly outbox: string;
  /** For the new user. */
  readonly password: string;
}

/** Looks at a database: what has to be done so that changes of a table reach channels. @throws ZocaloError. */
export async function planAttach({ address, table: name, channel, outbox, password }: AttachOptions): Promise<Plan> {
  return planned(address, async (session, dialect) => {
    const { triggers } = dialect;
    const { table, columns } = await find(session, dialect, name);
    if (columns.length === 0)
      throw new ZocaloError('BAD_OPTION', `${placeOf(address)} has no table ${name}`, { advice: 'check its name' });
    const home = await homeOf(session, dialect, address);
    const to = outboxName(dialect, outbox);
    // Its user could not connect to the database of the address, where it has no right to anything.
    if (isMysql(address) && to.schema !== undefined && to.schema !== home.schema)
      throw new ZocaloError('BAD_OPTION', `the outbox ${outbox} is not in the database of ${placeOf(address)}`, {
        advice: `write the address of ${to.schema}, and the table as ${tableText({ schema: home.schema, ...table })}`,
      });
    const attach = triggers.attach({
      table,
      columns,
      channel: channelParts(channel, name, columns),
      outbox: table.schema === undefined ? to : qualifiedBy(home, to),
    });
    if ((await columnsOf(session, dialect, to)).length > 0) return { statements: attach };
    const grant = triggers.grant(userOf(address), password, to, home);
    const statements = [...dialect.create(outbox), ...grant, ...attach];
    return { statements, address: grant.length > 0 ? withUser(address, password) : address };
  });
}

/** `table` undefined: all tables of the outbox, the outbox and its user. @throws ZocaloError. */
export async function planDetach(address: string, outbox: string, table?: string): Promise<Plan> {
  return planned(address, async (session, dialect) => {
    const { triggers } = dialect;
    if (table !== undefined) return { statements: triggers.detach((await find(session, dialect, table)).table) };
    const home = await homeOf(session, dialect, address);
    const from = outboxName(dialect, outbox);
    const attached = await attachedTo(session, dialect, from, home);
    const drop = triggers.drop(from, userOf(address), home);
    return { statements: [...attached.flatMap((table) => triggers.detach(table)), ...drop] };
  });
}

/** A name with a dot may be that of a table, or have its schema in front. */
async function find(session: Session, dialect: Dialect, name: string) {
  const plain: TableName = { name };
  const columns = await columnsOf(session, dialect, plain);
  const named = tableName(name);
  if (columns.length > 0 || named.schema === undefined || !dialect.triggers.home) return { table: plain, columns };
  return { table: named, columns: await columnsOf(session, dialect, named) };
}

/** As for a source, a dot in the name of an outbox is always behind its schema. */
function outboxName({ triggers }: Dialect, outbox: string): TableName {
  return triggers.home ? tableName(outbox) : { name: outbox };
}

/** In a trigger of another schema, a name without one would mean a table there. */
function qualifiedBy({ schema }: Home, outbox: TableName): TableName {
  return { schema, ...outbox };
}

/** Other outboxes, also those of other schemas, keep their triggers. */
async function attachedTo(session: Session, { triggers }: Dialect, outbox: TableName, home: Home) {
  const targets = [outbox, qualifiedBy(home, outbox)].map((name) => triggers.target(name));
  return (await session.query(triggers.attached)).flatMap(({ name, schema, body }): TableName[] => {
    const own = schema === null ? targets : targets.slice(1);
    if (!own.some((target) => String(body).includes(target))) return [];
    return [{ name: String(name), ...(schema !== null && { schema: String(schema) }) }];
  });
}

async function planned(
  address: string,
  plan: (session: Session, dialect: Dialect) => Promise<Pick<Plan, 'statements' | 'address'>>,
): Promise<Plan> {
  const dialect = dialectOf(address)!;
  const session = await dialect.connect(address, '', () => {});
  try {
    const found = await plan(session, dialect);
    return {
      ...found,
      run: () => (isMysql(address) ? runEach : runTogether)(session, found.statements),
      close: () => session.close(),
    };
  } catch (error) {
    session.close();
    throw error;
  }
}

/** All or nothing. */
async function runTogether(session: Session, statements: readonly string[]): Promise<void> {
  await session.query('BEGIN');
  try {
    for (const statement of statements) await session.query(statement);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** MySQL ends a transaction before each statement that changes a table or a user. */
async function runEach(session: Session, statements: readonly string[]): Promise<void> {
  for (const [at, statement] of statements.entries())
    await session.query(statement).catch((cause: unknown) => {
      if (at === 0 || !(cause instanceof ZocaloError)) throw cause;
      const advice =
        'the statements before were run: zocalo detach takes that away, and a user of an earlier outbox, too';
      throw new ZocaloError(cause.code, cause.happened, { advice, cause });
    });
}

function isMysql(address: string): boolean {
  return /^(mysql|mariadb):/.test(address);
}

async function columnsOf(session: Session, { triggers }: Dialect, table: TableName): Promise<Column[]> {
  const rows = await session.query(triggers.columns, [table.name, table.schema ?? null]);
  return rows.map(({ name, type }) => ({ name: String(name), type: String(type) }));
}

async function homeOf(session: Session, { triggers }: Dialect, address: string): Promise<Home> {
  const [home] = triggers.home ? await session.query(triggers.home) : [];
  return { schema: String(home?.name ?? ''), host: await hostOf(session, address) };
}

/** From where the new user may come, in MySQL: from where the present one does. */
async function hostOf(session: Session, address: string): Promise<string> {
  if (!isMysql(address)) return '';
  const [row] = await session.query('SELECT CURRENT_USER() AS name');
  return String(row?.name).replace(/^.*@/, '');
}

/** Users belong to the server, which may have other databases that are attached. */
function userOf(address: string): string {
  const database = decodeURIComponent(URL.parse(address)?.pathname.slice(1) ?? '');
  return `zocalo_${database}`.slice(0, USER_LENGTH);
}

function withUser(address: string, password: string): string {
  const url = new URL(address);
  url.username = userOf(address);
  url.password = password;
  return url.href;
}
