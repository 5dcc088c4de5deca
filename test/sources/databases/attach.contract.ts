import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ZocaloError } from '../../../src/errors.ts';
import {
  type AttachOptions,
  dialectOf,
  type Plan,
  planAttach,
  planDetach,
  type Session,
} from '../../../src/sources/databases/index.ts';

export interface AttachKind {
  readonly name: string;
  readonly skip: string | false;
  /** An empty database of its own. */
  address(t: TestContext): Promise<string>;
  /** The types of the columns total, photo and ratio, and a value of each, in SQL and in JSON. */
  readonly types: readonly [type: string, value: string, json: string][];
  /** The type of a text whose collation takes `ana` and `Ana` for the same, where there is one. */
  readonly caseless: string;
  /** A type of bytes, a value of it, and the channel of the template `photos:{photo}`. */
  readonly bytes: readonly [type: string, value: string, channel: string];
  readonly names: (kind: 'tables' | 'triggers') => string;
}

/** What attaching a table must do in each kind of database. */
export function testAttach(kind: AttachKind): void {
  const options = { skip: kind.skip };
  const setUp = async (t: TestContext) => {
    const address = await kind.address(t);
    const session = await dialectOf(address)!.connect(address, '', () => {});
    t.after(() => session.close());
    const columns = kind.types.map(([type], at) => `c${at} ${type}`);
    await session.query(`CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, ${columns})`);
    const carryOut = async (plan: Promise<Plan>) => {
      const { run, close, address } = await plan;
      await run();
      close();
      return address;
    };
    const attach = (more: Partial<AttachOptions> = {}) =>
      planAttach({
        address,
        table: 'orders',
        channel: 'orders:{customer_id}',
        outbox: 'zocalo_outbox',
        password: 'secret',
        ...more,
      });
    const rows = async () => {
      const found = await session.query('SELECT channel, data FROM zocalo_outbox ORDER BY id');
      await session.query('DELETE FROM zocalo_outbox');
      return found.map(({ channel, data }) => [channel, typeof data === 'string' ? JSON.parse(data) : data] as const);
    };
    return { address, session, attach, carryOut, rows };
  };

  test(
    `${kind.name}: an attached table writes what changes into the outbox, with a form for every value`,
    options,
    async (t) => {
      const { session, attach, carryOut, rows } = await setUp(t);
      await carryOut(attach());
      await carryOut(attach()); // again changes nothing
      const values = kind.types.map(([, value]) => value);
      await session.query(`INSERT INTO orders VALUES (1, 7, ${values})`);
      await session.query('UPDATE orders SET id = 2 WHERE id = 1');
      await session.query('UPDATE orders SET id = 2 WHERE id = 2');
      await session.query('UPDATE orders SET customer_id = NULL');
      await session.query('DELETE FROM orders');
      const json = Object.fromEntries(kind.types.map(([, , json], at) => [`c${at}`, JSON.parse(json)]));
      const row = (id: number, customer_id: number | null) => ({ id, customer_id, ...json });
      const message = (op: string, row: object | null, old: object | null) => ({ op, table: 'orders', row, old });
      const found = await rows();
      const moved = message('update', row(2, null), row(2, 7));
      assert.deepEqual(found.slice(0, 2), [
        ['orders:7', message('insert', row(1, 7), null)],
        ['orders:7', message('update', row(2, 7), row(1, 7))],
      ]);
      assert.deepEqual(
        found.slice(2, 4).toSorted(),
        [
          ['orders:7', moved],
          ['orders:null', moved],
        ],
        'a row that moves to another channel is told of in both',
      );
      assert.deepEqual(found.slice(4), [['orders:null', message('delete', null, row(2, null))]]);
    },
  );

  test(
    `${kind.name}: a table without a primary key is attached like any other, and equal rows are published each`,
    options,
    async (t) => {
      const { session, attach, carryOut, rows } = await setUp(t);
      await session.query('CREATE TABLE visits (door INTEGER, badge INTEGER)');
      await carryOut(attach({ table: 'visits', channel: 'visits:{door}' }));
      for (let n = 0; n < 2; n++) await session.query('INSERT INTO visits VALUES (1, 7)');
      await session.query('UPDATE visits SET badge = 8');
      await session.query('DELETE FROM visits');
      const [row, changed] = [
        { door: 1, badge: 7 },
        { door: 1, badge: 8 },
      ];
      const message = (op: string, row: object | null, old: object | null) => [
        'visits:1',
        { op, table: 'visits', row, old },
      ];
      const expected = [
        message('insert', row, null),
        message('update', changed, row),
        message('delete', null, changed),
      ];
      assert.deepEqual(
        await rows(),
        expected.flatMap((each) => [each, each]),
      );
    },
  );

  test(
    `${kind.name}: a change of only the case, an accent or a space at the end is published, in both channels`,
    options,
    async (t) => {
      const { session, attach, carryOut, rows } = await setUp(t);
      await session.query(`CREATE TABLE users (name ${kind.caseless})`);
      await carryOut(attach({ table: 'users', channel: 'users:{name}' }));
      await session.query("INSERT INTO users VALUES ('ana')");
      await rows();
      for (const name of ['Ana', 'Aná', 'Ana ', 'Ana ']) await session.query(`UPDATE users SET name = '${name}'`);
      const channels = (await rows()).map(([channel, { row, old }]) => [channel, old.name, row.name]);
      assert.deepEqual(
        channels.toSorted(),
        [
          ['users:Ana', 'Ana', 'Aná'],
          ['users:Ana', 'ana', 'Ana'],
          ['users:Ana ', 'Aná', 'Ana '],
          ['users:Aná', 'Ana', 'Aná'],
          ['users:Aná', 'Aná', 'Ana '],
          ['users:ana', 'ana', 'Ana'],
        ].toSorted(),
      );
    },
  );

  test(
    `${kind.name}: bytes in the name of a channel are hexadecimal, and keep no row out of the table`,
    options,
    async (t) => {
      const { session, attach, carryOut, rows } = await setUp(t);
      const [type, value, channel] = kind.bytes;
      await session.query(`CREATE TABLE photos (photo ${type})`);
      await carryOut(attach({ table: 'photos', channel: 'photos:{photo}' }));
      await session.query(`INSERT INTO photos VALUES (${value})`);
      assert.deepEqual(
        (await rows()).map(([channel]) => channel),
        [channel],
      );
    },
  );

  test(`${kind.name}: a table with many columns is attached like any other`, options, async (t) => {
    const { session, attach, carryOut, rows } = await setUp(t);
    const names = Array.from({ length: 120 }, (_, at) => `c${at}`);
    await session.query(`CREATE TABLE wide (${names.map((name) => `${name} INTEGER`)})`);
    await carryOut(attach({ table: 'wide', channel: 'wide:{c1}' }));
    await session.query('INSERT INTO wide (c1, c119) VALUES (7, 9)');
    const row = { ...Object.fromEntries(names.map((name) => [name, null])), c1: 7, c119: 9 };
    assert.deepEqual(await rows(), [['wide:7', { op: 'insert', table: 'wide', row, old: null }]]);
  });

  test(`${kind.name}: attaching that fails leaves nothing, or says how to take it away`, options, async (t) => {
    const { address, session, attach, carryOut } = await setUp(t);
    const plan = attach();
    await plan;
    await session.query('DROP TABLE orders');
    const message = await carryOut(plan).then(
      () => 'it worked',
      (error: ZocaloError) => error.message,
    );
    const left = (await session.query(kind.names('tables'))).length > 0;
    assert.equal(left, kind.name === 'mariadb');
    assert.equal(/zocalo detach takes that away/.test(message), left, message);
    await session.query('CREATE TABLE orders (id INTEGER, customer_id INTEGER)');
    if (left) await carryOut(planDetach(address, 'zocalo_outbox'));
    await carryOut(attach());
  });

  test(`${kind.name}: detaching takes all of it away again`, options, async (t) => {
    const { address, session, attach, carryOut, rows } = await setUp(t);
    const names = async () =>
      (await Promise.all((['tables', 'triggers'] as const).map((what) => session.query(kind.names(what))))).flat();
    const before = await names();
    const own = await carryOut(attach());
    const added = JSON.stringify(await names());
    assert.match(added, /"zocalo_outbox"/);
    assert.match(added, /"zocalo_[a-z_]*orders[a-z_]*"/, 'its triggers');
    const source = await dialectOf(own!)!.connect(own!, 'zocalo_outbox', () => {});
    await source.query('SELECT id FROM zocalo_outbox');
    if (own !== address) await assert.rejects(source.query('SELECT id FROM orders'), { code: 'DATABASE_FAILED' });
    source.close();
    await carryOut(planDetach(address, 'zocalo_outbox', 'orders'));
    await session.query('INSERT INTO orders (id) VALUES (1)');
    assert.deepEqual(await rows(), []);
    await carryOut(attach());
    await carryOut(planDetach(address, 'zocalo_outbox'));
    assert.deepEqual(await names(), before);
    await session.query('INSERT INTO orders (id) VALUES (2)');
    if (own !== address) await assert.rejects(dialectOf(own!)!.connect(own!, '', () => {}));
  });

  const withSchemas = kind.name === 'sqlite' ? { skip: 'it has no schemas' } : options;
  const otherSchema = async ({ address, session }: { address: string; session: Session }) => {
    const schema = `${new URL(address).pathname.slice(1)}_sales`;
    await session.query(`CREATE SCHEMA ${schema}`);
    await session.query(`CREATE TABLE ${schema}.orders (id INTEGER PRIMARY KEY)`);
    return schema;
  };

  test(
    `${kind.name}: a table of another schema is attached by its whole name, and one with a dot in its own name as it is`,
    withSchemas,
    async (t) => {
      const { address, session, attach, carryOut, rows } = await setUp(t);
      const schema = await otherSchema({ address, session });
      const dotted = dialectOf(address)!.quote('or.ders');
      await session.query(`CREATE TABLE ${dotted} (id INTEGER)`);
      const insertAll = async (id: number) => {
        for (const table of ['orders', `${schema}.orders`, dotted])
          await session.query(`INSERT INTO ${table} (id) VALUES (${id})`);
        return (await rows()).map(([channel, { table }]) => [channel, table]);
      };
      await carryOut(attach({ channel: 'here' }));
      await carryOut(attach({ table: `${schema}.orders`, channel: 'there:{id}' }));
      await carryOut(attach({ table: 'or.ders', channel: 'dotted' }));
      assert.deepEqual(await insertAll(1), [
        ['here', 'orders'],
        ['there:1', `${schema}.orders`],
        ['dotted', 'or.ders'],
      ]);
      await carryOut(planDetach(address, 'zocalo_outbox', `${schema}.orders`));
      assert.deepEqual(await insertAll(2), [
        ['here', 'orders'],
        ['dotted', 'or.ders'],
      ]);
      await carryOut(attach({ table: `${schema}.orders`, channel: 'there:{id}' }));
      await carryOut(planDetach(address, 'zocalo_outbox'));
      await session.query(`INSERT INTO ${schema}.orders (id) VALUES (3)`); // no trigger is left that would fail
      assert.match(
        await attach({ table: 'nowhere.orders' }).then(
          () => '',
          (error: ZocaloError) => error.message,
        ),
        /has no table nowhere\.orders/,
      );
    },
  );

  test(
    `${kind.name}: an outbox of another schema is made, read by its user, and taken away, or refused`,
    withSchemas,
    async (t) => {
      const { address, session, attach, carryOut } = await setUp(t);
      const schema = await otherSchema({ address, session });
      const outbox = `${schema}.outbox`;
      if (kind.name === 'mariadb') {
        await assert.rejects(attach({ outbox }), {
          code: 'BAD_OPTION',
          message: new RegExp(`write the address of ${schema}, and the table as \\w+\\.orders`),
        });
        return;
      }
      const own = (await carryOut(attach({ outbox })))!;
      await carryOut(attach({ table: `${schema}.orders`, channel: 'there', outbox }));
      await session.query('INSERT INTO orders (id, customer_id) VALUES (1, 7)');
      await session.query(`INSERT INTO ${schema}.orders (id) VALUES (1)`);
      const source = await dialectOf(own)!.connect(own, outbox, () => {});
      const found = await source.query(`SELECT channel FROM ${outbox} ORDER BY id`);
      source.close();
      assert.deepEqual(
        found.map(({ channel }) => channel),
        ['orders:7', 'there'],
      );
      await carryOut(planDetach(address, outbox));
      await session.query('INSERT INTO orders (id) VALUES (2)');
      await session.query(`INSERT INTO ${schema}.orders (id) VALUES (2)`);
      await assert.rejects(dialectOf(own)!.connect(own, '', () => {}));
    },
  );

  test(`${kind.name}: detaching one outbox leaves what is attached to another`, options, async (t) => {
    const { address, session, attach, carryOut } = await setUp(t);
    await session.query('CREATE TABLE visits (door INTEGER)');
    await carryOut(attach());
    for (const statement of dialectOf(address)!.create('other')) await session.query(statement);
    await carryOut(attach({ table: 'visits', channel: 'visits:{door}', outbox: 'other' }));
    await carryOut(planDetach(address, 'zocalo_outbox'));
    await session.query('INSERT INTO orders (id) VALUES (1)');
    await session.query('INSERT INTO visits VALUES (1)');
    assert.equal((await session.query('SELECT channel FROM other')).length, 1);
  });

  test(`${kind.name}: a table or column that does not exist is refused by name`, options, async (t) => {
    const { attach } = await setUp(t);
    const message = (error: ZocaloError) => error.message;
    assert.match(await attach({ table: 'order' }).then(() => '', message), /has no table order/);
    assert.match(await attach({ channel: 'o:{user}' }).then(() => '', message), /no column "user"; its columns are id/);
    assert.match(await attach({ channel: 'o {id}' }).then(() => '', message), /is not a name/);
  });
}
