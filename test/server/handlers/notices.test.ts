import assert from 'node:assert/strict';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { Hub, HubObserver, UserConnection } from '../../../src/hub/index.ts';
import { Handler } from '../../../src/server/handlers/handler.ts';
import { Notices } from '../../../src/server/handlers/notices.ts';
import { HandlerTable } from '../../../src/server/handlers/table.ts';
import { ThrottledLog } from '../../../src/server/operations/index.ts';
import { type ConfigInput, configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { application } from '../auth/auth-fixture.ts';

interface Told {
  readonly event: string;
  readonly id: string;
  readonly who: { readonly connection: string };
  readonly channel?: string;
  readonly code?: number;
}

/** An application that is told of ends, and refuses the first so many. */
async function listener(t: TestContext, refuses = 0) {
  const told: Told[] = [];
  const state = { refuses };
  const url = await application(t, ({ body }, response) => {
    told.push(JSON.parse(body));
    response.writeHead(told.length <= state.refuses ? 503 : 204).end();
  });
  const handlers: ConfigInput['handlers'] = {
    shop: { events: ['unsubscribe', 'disconnect'], channels: 'room:*', url },
  };
  return { told, handlers, state };
}

const said = ({ event, channel, code }: Told) => [event, channel ?? code];

/** Somebody subscribes to three channels, leaves one, and goes. */
async function visit({ client }: Awaited<ReturnType<typeof startDaemon>>, isGoing = true) {
  const visitor = client();
  for (const channel of ['room:1', 'room:2', 'other']) {
    const subscription = visitor.subscribe(channel);
    await new Promise((resolve) => subscription.on('live', resolve));
    if (channel === 'room:1' && isGoing) await subscription.unsubscribe();
  }
  if (isGoing) visitor.close();
}

test('a handler is told of ends in their order, with the same id until it has acknowledged them', async (t) => {
  const { told, handlers } = await listener(t, 1);
  const daemon = await startDaemon(t, { channels: { '*': {} }, handlers });
  await visit(daemon);
  await until(() => told.length === 4, 'all were told', 20_000);
  assert.deepEqual(told.map(said), [
    ['unsubscribe', 'room:1'],
    ['unsubscribe', 'room:1'],
    ['unsubscribe', 'room:2'],
    ['disconnect', 1000],
  ]);
  assert.equal(told[0]!.id, told[1]!.id);
  assert.equal(new Set(told.map(({ id }) => id)).size, 3);
  assert.equal(new Set(told.map(({ who }) => who.connection)).size, 1);
});

test('what a handler was not told before the daemon stopped, it is told after the next start', async (t) => {
  const file = join(temporaryFolder(t), 'zocalo.db');
  const { told, handlers, state } = await listener(t, Number.POSITIVE_INFINITY);
  const input = { store: `sqlite:${file}`, channels: { '*': {} }, handlers };
  const first = await startDaemon(t, input);
  await visit(first, false);
  await first.daemon.stop();
  state.refuses = told.length;
  await startDaemon(t, input);
  await until(() => told.slice(state.refuses).some(({ event }) => event === 'disconnect'), 'the rest was told');
  const once = new Map(told.map((event) => [event.id, said(event)]));
  assert.deepEqual(
    [...once.values()],
    [
      ['unsubscribe', 'room:1'],
      ['unsubscribe', 'room:2'],
      ['disconnect', 1012],
    ],
  );
});

test('of connections that ended with the process a handler is told after the next start', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'zocalo.db');
  const { told, handlers } = await listener(t);
  const input = (name: string) => ({
    store: `sqlite:${name}`,
    channels: { '*': {} },
    handlers,
  });
  const daemon = await startDaemon(t, input(file));
  await visit(daemon, false);
  const [connection] = daemon.daemon.hub.connections;
  // As the disk is when the process dies, once what was gathered is written.
  const other = join(folder, 'other.db');
  const copy = () => {
    for (const end of ['-handlers', '-handlers-wal']) if (existsSync(file + end)) copyFileSync(file + end, other + end);
    const database = new DatabaseSync(`${other}-handlers`);
    const { count } = database.prepare('SELECT count(*) AS count FROM here').get() as { count: number };
    database.close();
    return count;
  };
  await until(() => copy() === 3, 'the connection and both subscriptions are in the file');
  await startDaemon(t, input(other));
  await until(() => told.length === 3, 'all were told');
  assert.deepEqual(told.map(said).toSorted(), [
    ['disconnect', 1006],
    ['unsubscribe', 'room:1'],
    ['unsubscribe', 'room:2'],
  ]);
  for (const { who } of told) assert.equal(who.connection, connection!.id);
});

test('ends of many connections are reported in parallel, each in order, and only refused ones are repeated', async (t) => {
  const told: Told[] = [];
  let running = 0;
  let most = 0;
  const url = await application(t, ({ body }, response) => {
    const event: Told = JSON.parse(body);
    const isRefused = told.length === 3;
    told.push(event);
    most = Math.max(most, ++running);
    setTimeout(() => {
      running--;
      response.writeHead(isRefused ? 503 : 204).end();
    }, 20);
  });
  const handlers: ConfigInput['handlers'] = {
    shop: { events: ['unsubscribe', 'disconnect'], channels: 'room:*', url },
  };
  const daemon = await startDaemon(t, { channels: { '*': {} }, handlers });
  await Promise.all(Array.from({ length: 15 }, () => visit(daemon)));
  const ids = () => new Set(told.map(({ id }) => id));
  await until(() => ids().size === 45 && running === 0, 'all were told', 30_000);
  assert.ok(most > 1, 'one after the other');
  assert.equal(told.length, 46, 'one was repeated');
  const connections = new Set(told.map(({ who }) => who.connection));
  for (const connection of connections) {
    const last = [...ids()].map((id) => told.findLast((event) => event.id === id)!);
    assert.deepEqual(
      last
        .filter(({ who }) => who.connection === connection)
        .map(said)
        .at(-1),
      ['disconnect', 1000],
    );
  }
});

test('events that are dropped since too many wait are in the log some times a minute, with their number', async () => {
  const log = new MemoryLog();
  const clock = new FakeClock();
  const { handlers } = configOf({ handlers: { shop: { events: ['disconnect'], url: 'http://127.0.0.1:9/' } } });
  const down = { ask: () => new Promise<string>(() => {}), close: async () => {} };
  const handler = new Handler('shop', handlers.shop!, down, {
    clock,
    log: new ThrottledLog(log, clock),
    onOutcome: () => {},
  });
  const table = new HandlerTable([handler]);
  let id = 0;
  const notices = new Notices(table, { log, clock, now: () => clock.now(), nextId: () => `${++id}` });
  notices.prepare([handler]);
  notices.use(table, [handler]);
  const observers: HubObserver[] = [];
  notices.observe({ observe: (observer: HubObserver) => observers.push(observer) } as unknown as Hub);
  for (let write = 0; write < 130; write++) {
    for (let n = 0; n < 100; n++)
      observers[0]!.onDisconnect!({ id: `c${write}-${n}`, user: 'ana', isInternal: false } as UserConnection, 1001);
    clock.advance(10);
  }
  const lines = log.lines.filter(({ sentence }) => /oldest were dropped/.test(sentence));
  assert.equal(lines.length, 10);
  assert.deepEqual(lines[1]!.fields, { handler: 'shop', count: 100, total: 200 });
});
