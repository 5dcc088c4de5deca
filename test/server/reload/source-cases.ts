import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { dialectOf } from '../../../src/sources/index.ts';
import { until } from '../../support/until.ts';
import { fileOf } from '../auth/auth-fixture.ts';
import type { Case, Cases, Place } from './place.ts';

const CHANNEL = 'c:row';

/** A file with an outbox of this name. Returns what inserts a row there. */
function outbox(file: string, table: string, text = table): () => void {
  const use = (work: (application: DatabaseSync) => void) => {
    const application = new DatabaseSync(file);
    work(application);
    application.close();
  };
  use((application) => {
    for (const text of dialectOf('sqlite:x')!.create(table)) application.exec(text);
  });
  return () =>
    use((application) => application.exec(`INSERT INTO ${table} (channel, data) VALUES ('${CHANNEL}', '"${text}"')`));
}

/** Inserts everywhere, and sees what is published. */
function looking(inserts: readonly (() => void)[]): Case['look'] {
  return async ({ clock, daemon: { hub } }: Place) => {
    const entries = async () => (await hub.history(CHANNEL)).entries;
    const before = (await entries()).length;
    for (const insert of inserts) insert();
    await until(async () => {
      clock.advance(10);
      return (await entries()).length > before;
    }, 'a row was published');
    return (await entries()).at(-1)![1];
  };
}

/** What the sources take from a reload. */
export const SOURCE_CASES: Cases = {
  'sources.*.database': (t: TestContext) => {
    const [one, two] = [fileOf(t, 'one.db'), fileOf(t, 'two.db')];
    return {
      values: [`sqlite:${one}`, `sqlite:${two}`],
      sees: ['one', 'two'],
      look: looking([outbox(one, 'zocalo_outbox', 'one'), outbox(two, 'zocalo_outbox', 'two')]),
    };
  },
  'sources.*.notifications': {
    base: { sources: { shop: { database: 'postgres://shop@127.0.0.1:1/shop' } } },
    values: ['postgres://shop@127.0.0.1:2/shop', 'postgres://shop@127.0.0.1:3/shop'],
    sees: ['127.0.0.1:2', '127.0.0.1:3'],
    // Nobody is there, and it is told where it tries.
    look: async ({ clock, lines }) => {
      lines.length = 0;
      let line: string | undefined;
      await until(() => {
        clock.advance(1_000);
        line = lines.find((one) => one.includes('is not told of new rows'));
        return line !== undefined;
      }, 'it tried to listen');
      return /"database":"postgres:\/\/([^/]+)/.exec(line!)?.[1];
    },
  },
  'sources.*.table': (t: TestContext) => {
    const file = fileOf(t, 'shop.db');
    return {
      base: { sources: { shop: { database: `sqlite:${file}` } } },
      values: ['one', 'two'],
      sees: ['one', 'two'],
      look: looking([outbox(file, 'one'), outbox(file, 'two')]),
    };
  },
};
