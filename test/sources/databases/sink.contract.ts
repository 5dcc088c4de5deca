import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { systemClock } from '../../../src/clock.ts';
import type { ZocaloError } from '../../../src/errors.ts';
import { dialectOf, type Session } from '../../../src/sources/databases/index.ts';
import { openTable, rowTemplate, SinkWriter } from '../../../src/sources/sinks/index.ts';
import type { DatabaseServer } from '../../support/database-server.ts';
import { until } from '../../support/until.ts';

export interface SinkKind {
  readonly name: string;
  readonly skip: string | false;
  /** An empty database of its own. */
  address(t: TestContext): Promise<string>;
  /** The types of columns for a point in time, and for JSON. */
  readonly time: string;
  readonly json: string;
  /** A column of this kind as `2023-11-14 22:13:20.123`, in UTC. */
  timeText(column: string): string;
  /** The server, where it can be stopped. */
  readonly server?: () => DatabaseServer;
}

const TIME = Date.parse('2023-11-14T22:13:20.123Z');

async function sinkIn(t: TestContext, kind: SinkKind) {
  const address = await kind.address(t);
  let session: Session | undefined;
  t.after(() => session?.close());
  const query = async (text: string) => {
    session ??= await dialectOf(address)!.connect(address, '', () => {});
    try {
      return await session.query(text);
    } catch (error) {
      session.close();
      session = undefined;
      throw error;
    }
  };
  const broker = memory({ now: () => TIME });
  await broker.open();
  t.after(() => broker.close());
  const store = await broker.useQueues([{ name: 's', from: ['*'], rows: 100_000, bytes: 1 << 30 }]);
  const [errors, aside]: [ZocaloError[], ZocaloError[]] = [[], []];
  const write = (columns: Record<string, string>, table = 'accesses') => {
    const writer = new SinkWriter({
      name: 's',
      queue: {
        page: (bounds) => broker.queued('s', bounds),
        settle: (upTo) => broker.settle('s', upTo),
        setAside: (place, reason) => broker.setAside('s', place, reason),
        state: () => broker.queueState('s'),
      },
      row: rowTemplate(columns),
      open: () => openTable({ address, table, columns: Object.keys(columns), sink: 's', store }),
      clock: systemClock,
      now: () => TIME,
      random: () => 0,
      onFailed: (error) => void errors.push(error),
      onBusy: () => {},
      onRecovered: () => {},
      onAside: (error) => void aside.push(error),
    });
    t.after(() => writer.stop());
    writer.start();
    return writer;
  };
  const publish = (data: unknown) => broker.publish('door:1', { data: JSON.stringify(data) });
  const empty = () => until(async () => (await broker.queueState('s')).waiting === 0, 'everything was written');
  return { query, broker, write, publish, empty, errors, aside };
}

/** What each kind of database must do with what is written to it. */
export function testSink(kind: SinkKind): void {
  const named = (title: string) => `${kind.name}: ${title}`;
  const { skip } = kind;

  test(named('publications become rows, with the types of their columns'), { skip }, async (t) => {
    const { query, publish, write, empty, errors } = await sinkIn(t, kind);
    await query(
      `CREATE TABLE accesses (badge BIGINT, name VARCHAR(40), at ${kind.time}, told ${kind.time}, open INTEGER, whole ${kind.json})`,
    );
    await publish({ badge: 7, name: "ñ'\\ %s ?", told: '2023-11-14T23:13:20.123+01:00', open: true });
    await publish({ badge: null, name: null, told: null, open: false });
    write({ badge: '{badge}', name: '{name}', at: '{time}', told: '{told}', open: '{open}', whole: '{data}' });
    await empty();
    const [first, second] = await query(
      `SELECT badge, name, open, whole, ${kind.timeText('at')} AS at_text, ${kind.timeText('told')} AS told_text FROM accesses ORDER BY open DESC`,
    );
    assert.deepEqual([Number(first!.badge), first!.name, Number(first!.open)], [7, "ñ'\\ %s ?", 1]);
    for (const column of ['at_text', 'told_text'])
      assert.match(String(first![column]), /^2023-11-14 22:13:20\.123(000)?$/, column);
    const whole = typeof first!.whole === 'string' ? JSON.parse(first!.whole) : first!.whole;
    assert.equal(whole.name, "ñ'\\ %s ?");
    assert.deepEqual([second!.badge, second!.name, second!.told_text, Number(second!.open)], [null, null, null, 0]);
    assert.deepEqual(errors, []);
  });

  test(named('a number stands in a column of texts as it stands in JSON'), { skip }, async (t) => {
    const { query, publish, write, empty, errors } = await sinkIn(t, kind);
    await query('CREATE TABLE accesses (badge BIGINT, name VARCHAR(40))');
    const names = [7, -1, 0, 0.5, 9_007_199_254_740_991];
    for (const [badge, name] of names.entries()) await publish({ badge, name });
    write({ badge: '{badge}', name: '{name}' });
    await empty();
    const rows = await query('SELECT name FROM accesses ORDER BY badge');
    assert.deepEqual([rows.map(({ name }) => name), errors], [names.map(String), []]);
  });

  test(named('rows that the table refuses are set aside, and all others are written'), { skip }, async (t) => {
    const { query, publish, write, empty, errors, aside, broker } = await sinkIn(t, kind);
    await query('CREATE TABLE accesses (badge INTEGER NOT NULL UNIQUE CHECK (badge < 1000))');
    for (let n = 0; n < 40; n++) await publish({ badge: n });
    await publish({ badge: null });
    await publish({ badge: 3 });
    await publish({ badge: 5_000 });
    await publish({ other: 1 });
    await publish({ badge: 40 });
    const writer = write({ badge: '{badge}' });
    await empty();
    const rows = await query('SELECT badge FROM accesses ORDER BY badge');
    assert.deepEqual(
      rows.map(({ badge }) => Number(badge)),
      Array.from({ length: 41 }, (_, n) => n),
    );
    assert.deepEqual([aside.length, (await broker.queueState('s')).aside, errors.length], [4, 4, 0]);
    assert.ok(aside.every(({ code }) => code === 'SINK_ROW_REFUSED'));
    assert.match(aside.at(-1)!.message, /of door:1 .*sink s/);
    assert.ok(aside.some(({ message }) => /table accesses of /.test(message)));
    await writer.stop();
    // After a correction, what was set aside is tried again.
    await query('DELETE FROM accesses WHERE badge = 3');
    await broker.retry('s');
    write({ badge: '{badge}' });
    await empty();
    const [{ n } = { n: 0 }] = await query('SELECT count(*) AS n FROM accesses WHERE badge = 3');
    assert.equal(Number(n), 1);
  });

  test(named('a table or column that is missing makes everything wait until it is there'), { skip }, async (t) => {
    const { query, publish, write, empty, errors, aside } = await sinkIn(t, kind);
    await publish({ badge: 1 });
    const writer = write({ badge: '{badge}' });
    await until(() => errors.length > 0, 'it failed');
    assert.equal(errors[0]!.code, 'SINK_TABLE_UNFIT');
    assert.match(errors[0]!.message, /accesses .* no such table/);
    await query('CREATE TABLE accesses (badg INTEGER)');
    await until(() => /no column badge; its columns are badg\b/.test(errors.at(-1)!.message), 'the column was missing');
    await query('ALTER TABLE accesses RENAME COLUMN badg TO badge');
    await empty();
    await until(() => writer.status.error === undefined, 'the error was gone');
    // While it is connected, a column without a value is no fault of the rows either.
    await query('DROP TABLE accesses');
    await query('CREATE TABLE accesses (badge INTEGER, door INTEGER NOT NULL)');
    await publish({ badge: 2 });
    writer.wake();
    await until(() => writer.status.error?.code === 'DATABASE_FAILED', 'it failed again');
    await query('DROP TABLE accesses');
    await query('CREATE TABLE accesses (badge INTEGER)');
    await empty();
    assert.deepEqual(aside, []);
  });

  if (kind.server)
    test(named('a server that is killed while rows are written loses and repeats none'), { skip }, async (t) => {
      const { start, stop } = kind.server!();
      const { query, publish, write, empty, errors } = await sinkIn(t, kind);
      await query('CREATE TABLE accesses (n INTEGER NOT NULL)');
      const writer = write({ n: '{n}' });
      let next = 0;
      for (let round = 0; round < 3; round++) {
        const written = writer.status.written;
        for (let n = 0; n < 1_500; n++) await publish({ n: next++ });
        writer.wake();
        await until(() => writer.status.written >= written + 500, 'writing had begun');
        await stop();
        await publish({ n: next++ });
        writer.wake();
        await until(() => writer.status.error !== undefined, 'the failure was noticed');
        await start();
      }
      await empty();
      await query('SELECT 1').catch(() => {}); // the old connection is gone
      const [row] = await query('SELECT count(*) AS n, count(DISTINCT n) AS different, max(n) AS last FROM accesses');
      assert.deepEqual([Number(row!.n), Number(row!.different), Number(row!.last)], [next, next, next - 1]);
      assert.ok(
        errors.every(({ code }) => code === 'DATABASE_UNREACHABLE'),
        errors.join(),
      );
    });
}
