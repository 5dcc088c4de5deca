import { ZocaloError } from '../../errors.ts';
import { dialectOf } from './dialects.ts';
import { placeOf } from './failure.ts';
import type { Dialect, Session } from './session.ts';
import { type Column, channelParts } from './triggers.ts';

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
  readonly table: string;
  readonly channel: string;
  readonly outbox: string;
  /** For the new user. */
  readonly password: string;
}

/** Looks at a database: what has to be done so that changes of a table reach channels. @throws ZocaloError. */
export async function planAttach({ address, table, channel, outbox, password }: AttachOptions): Promise<Plan> {
  return planned(address, async (session, dialect) => {
    const { triggers } = dialect;
    const columns = await columnsOf(session, dialect, table);
    if (columns.length === 0)
      throw new ZocaloError('BAD_OPTION', `${placeOf(address)} has no table ${table}`, { advice: 'check its name' });
    const attach = triggers.attach({ table, columns, channel: channelParts(channel, table, columns), outbox });
    if ((await columnsOf(session, dialect, outbox)).length > 0) return { statements: attach };
    const grant = triggers.grant(userOf(address), password, outbox, await hostOf(session, address));
    const statements = [...dialect.create(outbox), ...grant, ...attach];
    return { statements, address: grant.length > 0 ? withUser(address, password) : address };
  });
}

/** `table` undefined: all tables, the outbox and its user. @throws ZocaloError. */
export async function planDetach(address: string, outbox: string, table?: string): Promise<Plan> {
  return planned(address, async (session, { triggers }) => {
    if (table !== undefined) return { statements: triggers.detach(table) };
    const attached = (await session.query(triggers.attached)).map(({ name }) => String(name));
    const drop = triggers.drop(outbox, userOf(address), await hostOf(session, address));
    return { statements: [...attached.flatMap((table) => triggers.detach(table)), ...drop] };
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

async function columnsOf(session: Session, { triggers }: Dialect, table: string): Promise<Column[]> {
  const rows = await session.query(triggers.columns, [table]);
  return rows.map(({ name, type }) => ({ name: String(name), type: String(type) }));
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
