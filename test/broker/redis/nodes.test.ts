import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noRedis, startRedis } from '../../support/redis.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { listen, openBroker, stillClock } from './several.ts';

describe('several processes with one Redis', { skip: noRedis }, () => {
  test('receive each other’s publications by name and by pattern, each once and in order', async (t) => {
    const { address } = await startRedis(t);
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const heard = await Promise.all([
      listen(one, 'chat:1'),
      listen(two, 'chat:1'),
      listen(two, 'chat:*'),
      listen(one, '*1'),
      listen(one, 'ch*'),
    ]);
    const all: Promise<unknown>[] = [];
    for (let n = 0; n < 40; n++) {
      all.push((n % 2 ? one : two).publish('chat:1', { data: `${n}` }));
      if (n % 5 === 0) await Promise.all(all);
    }
    await Promise.all(all);
    await until(() => heard.every((list) => list.length === 40), 'all of them heard everything');
    const offsets = heard.map((list) => list.map((text) => Number(text.split(' ')[1])));
    for (const list of offsets)
      assert.deepEqual(
        list,
        Array.from({ length: 40 }, (_, at) => at + 1),
      );
    const page = await one.read('chat:1', [(await one.state('chat:1')).epoch, 0]);
    assert.deepEqual(heard[0], page.gap ? [] : page.entries.map(({ offset, data }) => `chat:1 ${offset} ${data}`));
  });

  test('end their subscriptions when nobody watches any more', async (t) => {
    const server = await startRedis(t);
    const broker = await openBroker(t, server.address);
    const stops = [await broker.watch('chat:1', () => {}), await broker.watch('chat:1', () => {})];
    stops.push(await broker.watch('chat:*', () => {}), await broker.watch('*', () => {}));
    const topics = async () => {
      const names = (await server.ask('pubsub', 'channels', '*:news:*')) as string[];
      const families = (await server.ask('pubsub', 'channels', '*:all:*')) as string[];
      return [names.length, families.length, await server.ask('pubsub', 'numpat')];
    };
    assert.deepEqual(await topics(), [1, 1, 1]);
    stops[0]!();
    stops[0]!();
    await broker.state('chat:1');
    assert.deepEqual(await topics(), [1, 1, 1], 'somebody watches still');
    for (const stop of stops) stop();
    await until(async () => (await topics()).join() === '0,0,0', 'Redis sends nothing of them');
  });

  test('see one log: its ends, its epoch, and the keys of its publications', async (t) => {
    const { address } = await startRedis(t);
    const [one, two] = [await openBroker(t, address), await openBroker(t, address)];
    const { epoch } = await one.state('a');
    assert.equal((await two.state('a')).epoch, epoch, 'also before there is one');
    const first = await one.publish('a', { data: '1', key: 'k' });
    assert.deepEqual(await two.publish('a', { data: '1', key: 'k' }), { ...first, duplicate: true });
    await assert.rejects(two.publish('a', { data: '2', key: 'k' }), { code: 'KEY_REUSED' });
    assert.deepEqual(await two.state('a'), { epoch, oldest: 1, head: 1 });
    await one.forget('a');
    assert.notEqual((await two.state('a')).epoch, epoch);
  });

  test('another prefix is another store', async (t) => {
    const { address } = await startRedis(t);
    const one = await openBroker(t, `${address}?prefix=one`);
    const two = await openBroker(t, address, { prefix: 'two' });
    const heard = await listen(two, 'a');
    const { position } = await one.publish('a', { data: '1' });
    assert.equal((await two.state('a')).head, 0);
    assert.notEqual((await two.state('a')).epoch, position[0]);
    await two.publish('a', { data: '2' });
    assert.deepEqual(heard, ['a 1 2']);
  });

  test('a lost announcement of the last publication is found by the head check, and nothing else finds it', async (t) => {
    const { address, port } = await startRedis(t);
    const proxy = await startProxy(t, port);
    const clock = stillClock();
    const one = await openBroker(t, address);
    const two = await openBroker(t, `redis://127.0.0.1:${proxy.port}`, { clock, headCheck: 5_000 });
    const heard = await listen(two, 'a');
    await one.publish('a', { data: '1' });
    await until(() => heard.length === 1, 'the first one was heard');
    let lost = 0;
    proxy.loses = (_, chunk) => chunk.includes('"lost"') && ++lost > 0 && !chunk.includes('$4\r\n');
    await one.publish('a', { data: '"lost"' });
    await until(() => lost > 0, 'the announcement was lost');
    proxy.loses = undefined;
    assert.deepEqual(heard, ['a 1 1']);
    clock.advance(5_000);
    await until(() => {
      clock.advance(300); // the grace for announcements that are on their way
      return heard.length === 2;
    }, 'the head check has found it');
    assert.deepEqual(heard, ['a 1 1', 'a 2 "lost"']);
  });

  test('a connection for subscriptions that receives nothing is probed, reported, and replaced', async (t) => {
    const { address, port } = await startRedis(t);
    const proxy = await startProxy(t, port);
    const clock = stillClock();
    const one = await openBroker(t, address);
    const two = await openBroker(t, `redis://127.0.0.1:${proxy.port}`, { clock, headCheck: 1e9, probe: 10_000 });
    const heard = await listen(two, 'a');
    let mute = true;
    const deaf = new Set<unknown>();
    proxy.loses = (connection) => {
      if (mute && connection.sent.includes('subscribe')) deaf.add(connection);
      return deaf.has(connection);
    };
    await one.publish('a', { data: '1' });
    await until(() => deaf.size === 1, 'the announcement was swallowed');
    assert.equal(two.trouble(), undefined, 'nobody can know yet');
    mute = false;
    await until(async () => {
      clock.advance(10_000);
      await two.state('b'); // the probe has been sent before this answer
      return two.trouble() !== undefined;
    }, 'the silence was noticed');
    await until(() => {
      clock.advance(300); // the grace for announcements that are on their way
      return heard.length === 1;
    }, 'what was missed was read from the log');
    await until(() => {
      clock.advance(10_000);
      return two.trouble() === undefined;
    }, 'the new connection hears');
    await one.publish('a', { data: '2' });
    await until(() => heard.length === 2, 'the new connection tells');
  });

  test('a publication whose announcement is lost is still delivered, and acknowledged after that', async (t) => {
    const { port } = await startRedis(t);
    const proxy = await startProxy(t, port);
    const broker = await openBroker(t, `redis://127.0.0.1:${proxy.port}`);
    const origins: unknown[] = [];
    await broker.watch('a', (_channel, _epoch, entries) => origins.push(...entries.map(({ origin }) => origin)));
    proxy.loses = (connection, chunk) => connection.sent.includes('subscribe') && chunk.includes('message');
    const origin = {};
    const { position } = await broker.publish('a', { data: '1', origin });
    assert.equal(position[1], 1);
    assert.equal(origins.length, 1);
    assert.equal(origins[0], origin);
  });
});
