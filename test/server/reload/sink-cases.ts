import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { until } from '../../support/until.ts';
import { fileOf } from '../auth/auth-fixture.ts';
import type { Case, Cases, Place } from './place.ts';

const columns = { badge: '{badge}' };
/** A little more than 32 KiB as JSON. */
const DATA = { badge: 'x'.repeat(32_768) };

/** An SQLite file with the tables `one` and `two`. */
function shop(t: TestContext, name: string): { readonly database: string; readonly rows: () => readonly object[] } {
  const file = fileOf(t, name);
  const application = new DatabaseSync(file, { timeout: 5_000 });
  t.after(() => application.close());
  for (const table of ['one', 'two']) application.exec(`CREATE TABLE ${table} (badge TEXT, door TEXT)`);
  const rowsOf = (table: string) => application.prepare(`SELECT '${table}' AS tbl, badge, door FROM ${table}`).all();
  return { database: `sqlite:${file}`, rows: () => ['one', 'two'].flatMap(rowsOf) };
}

/** Publishes to all of these, and says what the first row that comes is. */
function written(
  rows: () => readonly object[],
  what: (row: Record<string, unknown>) => unknown,
  channels = ['c:row'],
): Case['look'] {
  return async ({ clock, daemon: { hub } }: Place) => {
    const before = new Set(rows().map((row) => JSON.stringify(row)));
    const badge = `${before.size}`;
    for (const channel of channels) await hub.publish(channel, { badge });
    let fresh: object | undefined;
    await until(() => {
      clock.advance(10);
      fresh = rows().find((row) => !before.has(JSON.stringify(row)));
      return fresh !== undefined;
    }, 'a row was written');
    return what(fresh as Record<string, unknown>);
  };
}

/** How many publications wait for a table that is not there, before another is refused. */
async function accepted({ daemon: { hub } }: Place): Promise<number> {
  for (let count = 0; ; count++) {
    try {
      await hub.publish('c:row', DATA);
    } catch {
      return count;
    }
  }
}

/** The keys of `into`, wherever it stands. */
function cases(prefix: string, base: (t: TestContext, into: object) => object): Cases {
  const waiting = (t: TestContext, values: Case['values']): Case => ({
    base: base(t, { database: shop(t, 'shop.db').database, table: 'nowhere', columns }),
    values,
    sees: [2, 3],
    look: accepted,
    isLast: true,
  });
  return {
    [`${prefix}.into.database`]: (t: TestContext): Case => {
      const [one, two] = [shop(t, 'one.db'), shop(t, 'two.db')];
      const rows = () => [
        ...one.rows().map((row) => ({ ...row, file: 'one' })),
        ...two.rows().map((row) => ({ ...row, file: 'two' })),
      ];
      return {
        base: base(t, { table: 'one', columns }),
        values: [one.database, two.database],
        sees: ['one', 'two'],
        look: written(rows, ({ file }) => file),
      };
    },
    [`${prefix}.into.table`]: (t: TestContext): Case => {
      const { database, rows } = shop(t, 'shop.db');
      return {
        base: base(t, { database, columns }),
        values: ['one', 'two'],
        sees: ['one', 'two'],
        look: written(rows, ({ tbl }) => tbl),
      };
    },
    [`${prefix}.into.columns`]: (t: TestContext): Case => {
      const { database, rows } = shop(t, 'shop.db');
      return {
        base: base(t, { database, table: 'one' }),
        values: [columns, { door: '{badge}' }],
        sees: [true, false],
        look: written(rows, ({ door }) => door === null),
      };
    },
    [`${prefix}.into.rows`]: (t: TestContext) => waiting(t, [2, 3]),
    [`${prefix}.into.bytes`]: (t: TestContext) => waiting(t, ['64KiB', '96KiB']),
  };
}

/** What the sinks take from a reload. */
export const SINK_CASES: Cases = {
  ...cases('sinks.*', (_, into) => ({ sinks: { doors: { from: 'c:*', into } } })),
  ...cases('channels.*', (_, into) => ({ channels: { 'c:*': { into }, other: {} } })),
  ...cases('sources.*', (t, into) => ({
    sources: { shop: { listen: `unix:${fileOf(t, 'devices')}`, frame: 'lines', channel: 'c:row', into } },
  })),
  'sinks.*.from': (t: TestContext) => {
    const { database, rows } = shop(t, 'shop.db');
    return {
      base: { sinks: { doors: { into: { database, table: 'one', columns: { ...columns, door: '{channel}' } } } } },
      values: ['c:one', 'c:two'],
      sees: ['c:one', 'c:two'],
      look: written(rows, ({ door }) => door, ['c:one', 'c:two']),
    };
  },
  databases: (t: TestContext) => {
    const [one, two] = [shop(t, 'one.db'), shop(t, 'two.db')];
    const rows = () => [
      ...one.rows().map((row) => ({ ...row, file: 'one' })),
      ...two.rows().map((row) => ({ ...row, file: 'two' })),
    ];
    return {
      base: { sinks: { doors: { from: 'c:*', into: { database: 'main', table: 'one', columns } } } },
      values: [{ main: one.database }, { main: two.database }],
      sees: ['one', 'two'],
      look: written(rows, ({ file }) => file),
    };
  },
};
