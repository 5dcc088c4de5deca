import { ZocaloError } from '../../../src/errors.ts';
import type { Session, SinkCheckTexts, SinkTexts, SqlValue } from '../../../src/sources/databases/index.ts';

/** Where a query is lost: before the database has done it, or after. */
export type Loss = 'before' | 'after' | undefined;

/** A database with one table of one column, which forgets what was not committed and loses connections. */
export class FakeTable {
  /** What is committed. */
  rows: SqlValue[] = [];
  #position = 0;

  /** `lose`: asked at each query. `refuses`: whether the table refuses a value. */
  connect(lose: (text: string) => Loss, refuses: (value: SqlValue) => boolean): Session {
    let pending: { rows: SqlValue[]; position: number } | undefined;
    let isLost = false;
    const run = (text: string, values: readonly SqlValue[]): Record<string, unknown>[] => {
      if (text === 'columns') return [{ name: 'value', type: 'text' }];
      if (text === 'begin') pending = { rows: [], position: this.#position };
      if (text === 'position') return [{ position: String(this.#position) }];
      if (text === 'insert') {
        if (values.some(refuses)) throw new ZocaloError('DATABASE_FAILED', 'x', { cause: new Error('refused') });
        pending!.rows.push(...values);
      }
      if (text === 'setPosition') pending!.position = Number(values[0]);
      if (text === 'commit') {
        this.rows.push(...pending!.rows);
        this.#position = pending!.position;
      }
      return [];
    };
    return {
      async query(text, values = []) {
        const loss = isLost ? 'before' : lose(text);
        if (loss === 'after') run(text, values);
        isLost ||= loss !== undefined;
        if (isLost) throw new ZocaloError('DATABASE_UNREACHABLE', `lost ${loss} ${text}`);
        return run(text, values);
      },
      close() {
        isLost = true;
      },
    };
  }
}

export const FAKE_TEXTS: SinkTexts & Pick<SinkCheckTexts, 'insertNothing'> = {
  insertNothing: () => '',
  prepare: [],
  create: 'create',
  begin: 'begin',
  commit: 'commit',
  rollBack: 'rollBack',
  enter: 'enter',
  position: 'position',
  setPosition: 'setPosition',
  columns: 'columns',
  insert: () => 'insert',
  time: String,
  values: 30_000,
  refusesRow: (cause) => (cause as Error).message === 'refused',
};
