import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { memory, sqlite } from '../../../src/broker/index.ts';
import { Client } from '../../../src/client/index.ts';
import { Hub } from '../../../src/hub/index.ts';
import { Drain } from '../../../src/server/operations/index.ts';
import { serve } from '../../../src/server/transports/websocket/index.ts';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { HubPeer, serveHub } from '../hub-peer.ts';

function silent() {
  const said: string[] = [];
  const note = (_: object, sentence: string) => said.push(sentence);
  return { said, log: { info: note, warn: note, error: note } };
}

test('everything is stopped once, one after the other, and a failing step delays nothing', async () => {
  const { log, said } = silent();
  const order: string[] = [];
  const drain = new Drain({ deadline: 1_000, log, clock: new FakeClock() });
  assert.equal(drain.isDraining, false);
  const steps = [
    { what: 'one', stop: async (left: number) => order.push(`one ${left}`) },
    {
      what: 'two',
      stop: () => {
        throw new Error('no');
      },
    },
    { what: 'three', stop: () => order.push('three') },
  ];
  const runs = [drain.run(steps), drain.run(steps)];
  assert.equal(drain.isDraining, true);
  assert.deepEqual(await Promise.all(runs), [true, true]);
  assert.deepEqual(order, ['one 855', 'three']); // of 900: a tenth of the whole is for the others
  assert.deepEqual(said, ['stopping', 'two failed while it stopped', 'stopped']);
});

test('a step that does not stop in time does not delay the end', async () => {
  const { log, said } = silent();
  const clock = new FakeClock();
  const drain = new Drain({ deadline: 1_000, log, clock });
  const drained = drain.run([{ what: 'the endless', stop: () => new Promise(() => {}) }]);
  clock.advance(1_000);
  assert.equal(await drained, false);
  assert.equal(said.at(-1), 'the endless did not stop in time');
});

test('a late step is abandoned: the next ones are told to stop, and have their own time', async () => {
  const { log, said } = silent();
  const clock = new FakeClock();
  const drain = new Drain({ deadline: 1_000, log, clock });
  const order: string[] = [];
  const finish = Promise.withResolvers<void>();
  const drained = drain.run([
    { what: 'the endless', stop: () => new Promise(() => {}) },
    {
      what: 'the next',
      stop: (grace: number) => {
        order.push(`next ${grace}`);
        return finish.promise;
      },
    },
    { what: 'the last', stop: (grace: number) => order.push(`last ${grace}`) },
  ]);
  clock.advance(900);
  await turn();
  assert.deepEqual(order, ['next 47']);
  finish.resolve();
  assert.equal(await drained, false);
  assert.deepEqual(order, ['next 47', 'last 47']);
  assert.deepEqual(said, ['stopping', 'the endless did not stop in time']);
  assert.equal(clock.pending, 0);
});

test('all listeners close at the same time, and the other steps run after the last of them', async () => {
  const { log } = silent();
  const order: string[] = [];
  const listeners = ['a', 'b'].map((what) => ({ what, isListener: true, done: Promise.withResolvers<void>() }));
  const steps = listeners.map(({ done, ...step }) => ({
    ...step,
    stop: () => {
      order.push(step.what);
      return done.promise;
    },
  }));
  const drain = new Drain({ deadline: 1_000, log, clock: new FakeClock() });
  const drained = drain.run([...steps, { what: 'log', stop: () => order.push('log') }]);
  assert.deepEqual(order, ['a', 'b']);
  for (const { done } of listeners) done.resolve();
  assert.equal(await drained, true);
  assert.deepEqual(order, ['a', 'b', 'log']);
});

test('clients are told to reconnect at moments spread over the window', async (t) => {
  const chances = [0, 0.25, 0.5, 0.999];
  let n = 0;
  const { url, server } = await serveHub(t, {}, { spread: 10_000, random: () => chances[n++ % 4]! });
  const peers = [];
  for (let i = 0; i < 4; i++) peers.push(await HubPeer.join(t, url));
  const closed = server.close({ grace: 1_000 });
  const byes = await Promise.all(peers.map((peer) => peer.until('bye')));
  await closed;
  assert.deepEqual(
    byes.map(([, code, details]) => [code, (details as { after: number }).after]),
    [1_000, 3_500, 6_000, 10_990].map((after) => ['SHUTTING_DOWN', after]),
  );
});

test('a stopping server accepts nobody, answers pending publications, then sends bye; text clients get the close code 1012', async (t) => {
  const broker = memory();
  const { url, server, hub } = await serveHub(t, { broker });
  const plain = await connectWebSocket(`${url}/news`);
  await until(() => hub.connections.length >= 1, 'one is connected');
  const { publish } = broker;
  let store = () => {};
  broker.publish = async (...parcel) => {
    await new Promise<void>((resolve) => {
      store = resolve;
    });
    return publish.apply(broker, parcel);
  };
  const ana = await HubPeer.join(t, url);
  ana.say('pub', 99, 'news', 'the last one');
  await ana.ask('get', 'presence', 'x');
  const closed = server.close({ grace: 1_000 });
  await assert.rejects(connectWebSocket(url), /503/);
  store();
  assert.equal((await ana.until('ok'))[1], 99);
  assert.equal((await ana.until('bye'))[1], 'SHUTTING_DOWN');
  await closed;
  assert.equal((await plain.closed).code, 1012);
});

test('a drain under load loses no acknowledged message: each is in the log once, even those sent again after the restart', async (t) => {
  const folder = temporaryFolder(t);
  const open = async (port: string) => {
    const hub = new Hub({
      broker: sqlite(join(folder, 'square.db')),
      channels: { '*': { history: { size: 100_000 } } },
      limits: { requests: 1e6, bytes: 1e9 },
    });
    return { hub, server: await serve(hub, `ws://127.0.0.1:${port}`, { spread: 100 }) };
  };
  let { hub, server } = await open('0');
  const url = server.addresses[0]!;
  const clients = Array.from({ length: 4 }, () => new Client(url, { random: () => 0 }));
  t.after(() => clients.map((client) => client.close()));
  const acknowledged: string[] = [];
  let isOver = false;
  const load = clients.map(async (client, number) => {
    for (let n = 0; !isOver; n++) {
      const text = `${number}: ${n}`;
      await client.publish('news', text);
      acknowledged.push(text);
    }
  });
  const acknowledge = (count: number) => until(() => acknowledged.length >= count, `${count} are acknowledged`);
  await acknowledge(200);
  await server.close({ grace: 2_000 });
  await hub.close();
  const before = acknowledged.length;
  ({ hub, server } = await open(new URL(url).port));
  t.after(async () => {
    await server.close({ grace: 0 });
    await hub.close();
  });
  await acknowledge(before + 200);
  isOver = true;
  await Promise.all(load);
  const stored: unknown[] = [];
  for (let at: readonly [string, number] | undefined; ; ) {
    const page = await hub.history('news', { limit: 1_000, ...(at && { at }) });
    stored.push(...page.entries.map(([, data]) => data));
    const last = page.entries.at(-1)?.[0];
    if (last === undefined || last === page.head) break;
    at = [page.epoch, last];
  }
  assert.equal(new Set(stored).size, stored.length, 'nothing is there twice');
  assert.deepEqual([...stored].sort(), [...acknowledged].sort());
});
