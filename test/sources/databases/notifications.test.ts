import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import type { ZocaloError } from '../../../src/errors.ts';
import { Hub } from '../../../src/hub/index.ts';
import {
  dialectOf,
  NotificationListener,
  OutboxConsumer,
  openNotifications,
  openOutbox,
} from '../../../src/sources/databases/index.ts';
import { configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { noPgBouncer, startPgBouncer } from '../../support/pgbouncer.ts';
import { noPostgres, startPostgres } from '../../support/postgres.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { FakeOutbox } from './fake-outbox.ts';
import { literal } from './literal.ts';

const TABLE = 'zocalo_outbox';

test('behind a pooler that loses notifications, rows are published at once if the source listens elsewhere', {
  skip: noPostgres,
}, async (t) => {
  const server = await startPostgres(t);
  const pooler = await startProxy(t, Number(new URL(server.address).port));
  // As PgBouncer in transaction mode: no NotificationResponse gets through, and all else does.
  pooler.loses = (_, chunk) => chunk.startsWith('A') && chunk.includes(TABLE);
  const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
  t.after(() => session.close());
  for (const text of dialectOf(server.address)!.create(TABLE)) await session.query(text);
  const hub = new Hub({ broker: memory() });
  // It stands still, so that nothing is found by polling.
  const clock = new FakeClock();
  const told: string[] = [];
  const common = {
    name: 'shop',
    clock,
    random: () => 0,
    onFailed: ({ code }: ZocaloError) => void told.push(code),
    onBusy: () => {},
    onRecovered: () => void told.push('recovered'),
  };
  const database = server.address.replace(/:\d+\//, `:${pooler.port}/`);
  let polls = 0;
  const consumer = new OutboxConsumer({
    ...common,
    open: async () => {
      const outbox = await openOutbox(database, TABLE);
      const take = outbox.take.bind(outbox);
      outbox.take = () => {
        polls++;
        return take();
      };
      return outbox;
    },
    log: hub,
    onAside: assert.fail,
  });
  let wakes = 0;
  const listener = new NotificationListener({
    ...common,
    open: (onWake) => openNotifications(server.address, TABLE, onWake),
    onWake: () => {
      wakes++;
      consumer.wake();
    },
  });
  t.after(async () => {
    await Promise.all([consumer.close(), listener.close()]);
    await hub.close();
  });
  consumer.start();
  const count = async () => Number((await session.query(`SELECT count(*) AS n FROM ${TABLE}`))[0]!.n);
  await until(() => polls === 1 && clock.pending === 1, 'it looked once, and waits');
  await session.query(literal('c', '1'));
  for (let turns = 0; turns < 200; turns++) await turn();
  assert.equal(await count(), 1, 'nobody told of it');
  listener.start();
  await until(async () => (await count()) === 0, 'the row was published when the source listened');
  for (let n = 2; n < 5; n++) {
    const before = wakes;
    await session.query(literal('c', String(n)));
    await until(async () => wakes > before && (await count()) === 0, 'the row was published');
  }
  // A listening connection that is lost is noticed, and what came meanwhile is not missed.
  const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`;
  await session.query(others);
  await session.query(literal('c', '5'));
  for (let turns = 0; turns < 200; turns++) await turn();
  clock.advance(5_000);
  await until(() => told.length > 0, 'the loss was noticed');
  await until(async () => {
    clock.advance(100);
    return told.at(-1) === 'recovered' && (await count()) === 0;
  }, 'it listened again');
  assert.deepEqual(told, ['DATABASE_UNREACHABLE', 'recovered']);
});

test('a notification does not make a database that failed be tried earlier', async (t) => {
  const clock = new FakeClock();
  const outbox = new FakeOutbox();
  const hub = new Hub({ broker: memory() });
  const pauses: number[] = [];
  const consumer = new OutboxConsumer({
    name: 'shop',
    open: outbox.open,
    log: hub,
    clock,
    random: () => 0,
    onFailed: (_, pause) => void pauses.push(pause),
    onBusy: () => {},
    onRecovered: () => {},
    onAside: assert.fail,
  });
  t.after(async () => {
    await consumer.close();
    await hub.close();
  });
  outbox.failing = 'take';
  consumer.start();
  await until(() => pauses.length === 1, 'it failed');
  for (let n = 0; n < 50; n++) {
    consumer.wake();
    await turn();
  }
  assert.equal(outbox.taken, 1);
});

test('a source of the configuration listens where `notifications` says, and nowhere else', {
  skip: noPostgres,
}, async (t) => {
  const server = await startPostgres(t);
  const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
  t.after(() => session.close());
  for (const text of dialectOf(server.address)!.create(TABLE)) await session.query(text);
  for (const role of ['pooled', 'direct']) {
    await session.query(`CREATE ROLE ${role} LOGIN`);
    await session.query(`GRANT SELECT, UPDATE, DELETE ON ${TABLE} TO ${role}`);
  }
  const addressOf = (role: string) => server.address.replace('root@', `${role}@`);
  const { daemon, log } = await startDaemon(t, {
    databases: { direct: addressOf('direct') },
    sources: { shop: { database: addressOf('pooled'), notifications: 'direct' } },
  });
  const listening = async () => {
    const found = await session.query(
      "SELECT usename FROM pg_stat_activity WHERE usename IN ('pooled', 'direct') AND query ~ '^(LISTEN|SELECT 1$)'",
    );
    return found.map(({ usename }) => usename).join();
  };
  await until(async () => (await listening()) === 'direct', 'one connection listened');
  await session.query(literal('c', '1'));
  await until(async () => (await daemon.hub.history('c')).head === 1, 'the row was published');
  await session.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'direct'");
  await until(() => /a source is not told of new rows/.test(log.text), 'the log told of it');
  await until(() => /a source is told of new rows again/.test(log.text), 'it listened again');
  await daemon.reload(configOf({ listen: daemon.config.listen, sources: { shop: { database: addressOf('pooled') } } }));
  await until(async () => (await listening()) === '', 'the listener is gone');
});

test('behind PgBouncer in transaction mode, rows are published at once, each once, also many of several writers', {
  skip: noPgBouncer,
}, async (t) => {
  const server = await startPostgres(t);
  const pooled = await startPgBouncer(t, server.address);
  const session = await dialectOf(server.address)!.connect(server.address, '', () => {});
  t.after(() => session.close());
  for (const text of dialectOf(server.address)!.create(TABLE)) await session.query(text);
  const clock = new FakeClock(); // stands still, so that nothing is found by polling
  const { daemon, log } = await startDaemon(
    t,
    { sources: { shop: { database: pooled, notifications: server.address } } },
    { clock },
  );
  const { hub } = daemon;
  for (let n = 1; n <= 3; n++) {
    await session.query(literal('c', String(n)));
    await until(async () => (await hub.history('c')).head === n, 'the row was published');
  }
  const writers = await Promise.all(Array.from({ length: 4 }, () => dialectOf(pooled)!.connect(pooled, '', () => {})));
  t.after(() => Promise.all(writers.map((writer) => writer.close())));
  await Promise.all(
    writers.map(async (writer, at) => {
      for (let n = 0; n < 50; n++) await writer.query(literal(`w${at}`, String(n)));
    }),
  );
  for (const at of writers.keys()) {
    await until(async () => (await hub.history(`w${at}`)).head === 50, 'all of a writer were published');
    const { entries } = await hub.history(`w${at}`, { limit: 100 });
    assert.deepEqual(
      entries.map(([, data]) => data),
      Array.from({ length: 50 }, (_, n) => n),
    );
  }
  assert.doesNotMatch(log.text, /^error |shop/m);
});
