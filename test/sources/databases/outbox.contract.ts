import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { systemClock } from '../../../src/clock.ts';
import type { ZocaloError } from '../../../src/errors.ts';
import { Hub } from '../../../src/hub/index.ts';
import { dialectOf, OutboxConsumer, openOutbox } from '../../../src/sources/databases/index.ts';
import type { Session } from '../../../src/sources/databases/session.ts';
import { until } from '../../support/until.ts';
import { wholeLog } from '../../support/whole-log.ts';

export interface Kind {
  readonly name: string;
  readonly skip: string | false;
  /** Whether rows have locks, so that several daemons share the work. */
  readonly hasRowLocks: boolean;
  /** An empty database of its own. */
  address(t: TestContext): Promise<string>;
  /** Makes a session wait a second at most for a lock; undefined for a kind without locks of rows. */
  readonly lockTimeout?: string;
  /** A SELECT-like literal text. */
  insert(channel: string, data: string, key?: string): string;
}

async function outboxIn(t: TestContext, kind: Kind) {
  const address = await kind.address(t);
  const dialect = dialectOf(address)!;
  const connect = async () => {
    const session = await dialect.connect(address, 'zocalo_outbox', () => {});
    t.after(() => session.close());
    return session;
  };
  const session = await connect();
  for (const text of dialect.create('zocalo_outbox')) await session.query(text);
  const hub = new Hub({ broker: memory() });
  t.after(() => hub.close());
  const errors: ZocaloError[] = [];
  const consume = (log: ConstructorParameters<typeof OutboxConsumer>[0]['log'] = hub) => {
    const consumer = new OutboxConsumer({
      name: 'shop',
      open: (onWake) => openOutbox(address, 'zocalo_outbox', onWake),
      log,
      clock: systemClock,
      random: () => 0,
      onFailed: (error) => void errors.push(error),
      onBusy: () => {},
      onRecovered: () => {},
      onAside: (error) => void errors.push(error),
    });
    t.after(() => consumer.close());
    consumer.start();
    return consumer;
  };
  const count = async () => Number((await session.query('SELECT count(*) AS n FROM zocalo_outbox'))[0]!.n);
  const insert = (session: Session, channel: string, data: string, key?: string) =>
    session.query(kind.insert(channel, data, key));
  const dataOf = (channel: string) => wholeLog(hub, channel);
  return { address, session, connect, hub, consume, errors, count, insert, dataOf };
}

/** What each kind of database must do. */
export function testOutbox(kind: Kind): void {
  const named = (title: string) => `${kind.name}: ${title}`;
  const options = { skip: kind.skip };

  test(named('committed rows are published in their order, once each, and deleted'), options, async (t) => {
    const { session, consume, count, insert, dataOf, errors } = await outboxIn(t, kind);
    for (let n = 0; n < 20; n++) await insert(session, `orders:${n % 2}`, `{"n":${n},"long":12345678901234567890}`);
    const consumer = consume();
    await until(async () => (await count()) === 0, 'the outbox was empty');
    await insert(session, 'orders:0', String.raw`{"n":20,"text":"ñ\u2028\\"}`);
    await until(async () => (await count()) === 0, 'the outbox was empty again');
    const numbers = (data: unknown[]) => data.map((value) => (value as { n: number }).n);
    assert.deepEqual(numbers(await dataOf('orders:0')), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    assert.deepEqual(numbers(await dataOf('orders:1')), [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    assert.equal(consumer.status.published, 21);
    assert.deepEqual(errors, []);
  });

  test(
    named('a transaction that commits late is not passed over, and one that is rolled back leaves nothing'),
    options,
    async (t) => {
      if (!kind.hasRowLocks) return t.skip('it has one writer at a time');
      const { session, connect, consume, count, insert, dataOf } = await outboxIn(t, kind);
      const [late, undone] = [await connect(), await connect()];
      await late.query('BEGIN');
      await insert(late, 'c', '"early id, late commit"');
      await undone.query('BEGIN');
      await insert(undone, 'c', '"rolled back"');
      for (let n = 0; n < 3; n++) await insert(session, 'c', String(n));
      consume();
      await until(async () => (await dataOf('c')).length === 3, 'the later rows were published');
      await undone.query('ROLLBACK');
      await late.query('COMMIT');
      await until(async () => (await count()) === 0 && (await dataOf('c')).length === 4, 'the late row was published');
      assert.deepEqual(await dataOf('c'), [0, 1, 2, 'early id, late commit']);
    },
  );

  test(
    named('two daemons on one outbox keep the order of each channel, and publish each row once'),
    options,
    async (t) => {
      const { session, consume, count, insert, dataOf, hub } = await outboxIn(t, kind);
      const published = [0, 0];
      // A slow log, so that each daemon takes rows while the other publishes.
      const slowly = (which: number) => ({
        history: hub.history.bind(hub),
        publish: async (...args: Parameters<typeof hub.publish>) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          published[which]!++;
          return hub.publish(...args);
        },
      });
      const CHANNELS = 12;
      const fill = async (from: number, to: number) => {
        for (let n = from; n < to; n++) {
          if (n % 25 === 0) await session.query('BEGIN');
          await insert(session, `c:${n % CHANNELS}`, String(n));
          if (n % 25 === 24) await session.query('COMMIT');
        }
      };
      await fill(0, 300);
      for (const which of [0, 1]) consume(slowly(which) as typeof hub);
      // On a busy machine one of them may publish all of the first rows before the other has begun.
      const bothWork = () => !kind.hasRowLocks || published.every((count) => count > 0);
      let rows = 300;
      for (; rows < 1_200 || (!bothWork() && rows < 9_000); rows += 300) await fill(rows, rows + 300);
      await until(async () => (await count()) === 0, 'the outbox was empty');
      for (let channel = 0; channel < CHANNELS; channel++)
        assert.deepEqual(
          await dataOf(`c:${channel}`),
          Array.from({ length: rows / CHANNELS }, (_, at) => at * CHANNELS + channel),
        );
      if (kind.hasRowLocks) {
        assert.equal(published[0]! + published[1]!, rows, 'no row was taken twice');
        assert.ok(bothWork(), `both worked: ${published}`);
      }
    },
  );

  test(named('a channel of which another daemon has the oldest rows is left alone'), options, async (t) => {
    if (!kind.hasRowLocks) return t.skip('its rows have no locks');
    const { address, session, insert } = await outboxIn(t, kind);
    const open = async () => {
      const outbox = await openOutbox(address, 'zocalo_outbox', () => {});
      t.after(() => outbox.close());
      return outbox;
    };
    const [one, two] = [await open(), await open()];
    const idsOf = (rows: readonly { data: string }[]) => rows.map(({ data }) => data);
    for (const n of [1, 2]) await insert(session, 'c', String(n));
    assert.deepEqual(idsOf(await one.take()), ['1', '2']);
    await insert(session, 'c', '3');
    await insert(session, 'd', '4');
    const taken = await two.take();
    assert.deepEqual(idsOf(taken), ['4']);
    await two.settle({ done: taken.map(({ id }) => id), aside: [] });
    // The first daemon loses its connection: its rows come before the newer one.
    one.close();
    await until(async () => {
      const rows = await two.take();
      if (rows.length === 3) assert.deepEqual(idsOf(rows), ['1', '2', '3']);
      await two.settle({ done: [], aside: [] });
      return rows.length === 3;
    }, 'the locks were gone');
  });

  test(
    named('rows behind one that another daemon has are left alone, also if older ones are free'),
    options,
    async (t) => {
      if (!kind.hasRowLocks) return t.skip('its rows have no locks');
      const { address, session, connect, insert } = await outboxIn(t, kind);
      for (const n of [1, 2, 3]) await insert(session, 'c', String(n));
      const [first] = await session.query('SELECT min(id) AS id FROM zocalo_outbox');
      // Two daemons that lock at the same time may get every other row.
      const other = await connect();
      await other.query('BEGIN');
      await other.query(`SELECT id FROM zocalo_outbox WHERE id = ${Number(first!.id) + 1} FOR UPDATE`);
      const outbox = await openOutbox(address, 'zocalo_outbox', () => {});
      t.after(() => outbox.close());
      assert.deepEqual(
        (await outbox.take()).map(({ data }) => data),
        ['1'],
      );
    },
  );

  test(
    named('a row that can never be published is set aside with its error, and the others go on'),
    options,
    async (t) => {
      const { session, consume, insert, dataOf, errors, count } = await outboxIn(t, kind);
      await insert(session, 'no channel', '1');
      await insert(session, 'c', '2');
      await insert(session, 'c', JSON.stringify('x'.repeat(100_000)));
      await insert(session, 'c', '3');
      consume();
      await until(async () => (await count()) === 2 && errors.length === 2, 'two rows remained');
      assert.deepEqual(await dataOf('c'), [2, 3]);
      const rows = await session.query('SELECT channel, error FROM zocalo_outbox ORDER BY id');
      assert.match(String(rows[0]!.error), /"no channel" is not a channel name/);
      assert.match(String(rows[1]!.error), /larger than/);
      assert.deepEqual(
        errors.map(({ code }) => code),
        ['OUTBOX_ROW_REFUSED', 'OUTBOX_ROW_REFUSED'],
      );
      await session.query("UPDATE zocalo_outbox SET channel = 'corrected', error = NULL WHERE channel = 'no channel'");
      await until(async () => (await count()) === 1, 'the corrected row was published');
      assert.deepEqual(await dataOf('corrected'), [1]);
    },
  );

  test(named('a deadlock, and a lock that lasts too long, are told from other failures'), options, async (t) => {
    if (kind.lockTimeout === undefined) return t.skip('its rows have no locks');
    const { session, connect, insert } = await outboxIn(t, kind);
    const [one, two] = [await connect(), await connect()];
    for (const channel of ['a', 'b']) await insert(session, channel, '1');
    const lock = (who: Session, channel: string) =>
      who.query(`UPDATE zocalo_outbox SET error = 'x' WHERE channel = '${channel}'`);
    for (const who of [one, two]) await who.query('BEGIN');
    await lock(one, 'a');
    await lock(two, 'b');
    const crossed = await Promise.allSettled([lock(one, 'b'), lock(two, 'a')]);
    const codes = crossed.map((result) => (result.status === 'rejected' ? result.reason.code : 'done'));
    assert.deepEqual(codes.toSorted(), ['DATABASE_BUSY', 'done']);
    for (const who of [one, two]) await who.query('ROLLBACK');

    await two.query(kind.lockTimeout);
    await one.query('BEGIN');
    await lock(one, 'a');
    await assert.rejects(lock(two, 'a'), { code: 'DATABASE_BUSY' });
  });

  test(named("the application's own key makes two rows one publication"), options, async (t) => {
    const { session, consume, insert, dataOf, count } = await outboxIn(t, kind);
    for (const key of ['order-1', 'order-1', 'order-2']) await insert(session, 'c', '1', key);
    consume();
    await until(async () => (await count()) === 0, 'the outbox was empty');
    assert.deepEqual(await dataOf('c'), [1, 1]);
  });

  test(
    named('an outbox whose columns were changed is an error that names the database, until it is repaired'),
    options,
    async (t) => {
      const { session, consume, insert, dataOf, count, errors } = await outboxIn(t, kind);
      await session.query('ALTER TABLE zocalo_outbox RENAME COLUMN data TO info');
      const consumer = consume();
      await until(() => errors.length > 0, 'it failed');
      assert.equal(errors[0]!.code, 'DATABASE_FAILED');
      assert.match(errors[0]!.message, /data/);
      await session.query('ALTER TABLE zocalo_outbox RENAME COLUMN info TO data');
      await insert(session, 'c', '1');
      await until(async () => (await count()) === 0, 'the row was published');
      assert.deepEqual(await dataOf('c'), [1]);
      await until(() => consumer.status.error === undefined, 'the error was gone');
    },
  );
}
