import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { systemClock } from '../../../src/clock.ts';
import { Hub } from '../../../src/hub/index.ts';
import { dialectOf, OutboxConsumer, openOutbox } from '../../../src/sources/databases/index.ts';
import type { Session } from '../../../src/sources/databases/session.ts';
import type { DatabaseServer } from '../../support/database-server.ts';
import { until } from '../../support/until.ts';
import { literal } from './literal.ts';

/** Kills the server in the middle, three times. */
export function testOutage(name: string, skip: string | false, server: () => DatabaseServer): void {
  test(`${name}: a server that is killed while rows are published loses and repeats none`, { skip }, async (t) => {
    const { address, start, stop } = server();
    const dialect = dialectOf(address)!;
    let session: Session | undefined;
    const connect = async () => {
      session?.close();
      session = await dialect.connect(address, 'zocalo_outbox', () => {});
      return session;
    };
    t.after(() => session?.close());
    for (const text of dialect.create('zocalo_outbox')) await (await connect()).query(text);
    const hub = new Hub({ broker: memory() });
    const failures: string[] = [];
    const slowly = {
      history: hub.history.bind(hub),
      publish: async (...args: Parameters<typeof hub.publish>) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return hub.publish(...args);
      },
    } as Pick<Hub, 'publish' | 'history'>;
    const consumer = new OutboxConsumer({
      name: 'shop',
      open: (onWake) => openOutbox(address, 'zocalo_outbox', onWake),
      log: slowly,
      clock: systemClock,
      random: () => 0,
      onFailed: ({ code }) => void failures.push(code),
      onBusy: () => {},
      onRecovered: () => {},
      onAside: (error) => assert.fail(error),
    });
    t.after(async () => {
      await consumer.close();
      await hub.close();
    });
    consumer.start();
    const CHANNELS = 5;
    let next = 0;
    for (let round = 0; round < 3; round++) {
      const writer = await connect();
      await writer.query('BEGIN');
      for (let n = 0; n < 200; n++) await writer.query(literal(`c:${next % CHANNELS}`, String(next++)));
      const published = consumer.status.published;
      await writer.query('COMMIT');
      await writer.query('BEGIN');
      await writer.query(literal('c:0', '"never committed"'));
      await until(() => consumer.status.published >= published + 20, 'publishing had begun');
      await stop();
      await until(() => consumer.status.error !== undefined, 'the failure was noticed');
      await start();
    }
    await connect();
    const rest = async () => Number((await session!.query('SELECT count(*) AS n FROM zocalo_outbox'))[0]!.n);
    await until(async () => (await rest()) === 0, 'the outbox was empty');
    for (let channel = 0; channel < CHANNELS; channel++) {
      const { entries } = await hub.history(`c:${channel}`, { limit: 1_000 });
      const expected = Array.from({ length: next / CHANNELS }, (_, at) => at * CHANNELS + channel);
      assert.deepEqual(
        entries.map(([, data]) => data),
        expected,
      );
    }
    assert.ok(
      failures.every((code) => code === 'DATABASE_UNREACHABLE'),
      failures.join(),
    );
  });
}
