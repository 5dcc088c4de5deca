import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HubObserver } from '../../src/hub/index.ts';
import { settle } from '../support/turn.ts';
import { FakeWire, square } from './fake-wire.ts';

/** A hub, and what it tells of subscriptions and ends. */
async function observed() {
  const all = await square({ channels: { '*': { patterns: true } }, connect: () => ({ user: 'ana' }) });
  const told: unknown[] = [];
  const observer: HubObserver = {
    onSubscribe: ({ user }, channel) => told.push(['subscribe', user, channel]),
    onUnsubscribe: ({ user }, channel) => told.push(['unsubscribe', user, channel]),
    onDisconnect: ({ user }, code) => told.push(['disconnect', user, code]),
  };
  all.hub.observe(observer);
  return { ...all, told };
}

test('an observer is told of each subscription and of its end, on either side', async () => {
  const { hub, guest, told } = await observed();
  const ana = await guest();
  await ana.ask('sub', 'chat:1');
  await ana.ask('sub', 'chat:1');
  await ana.ask('sub', 'news:*');
  await ana.ask('un', 'chat:1');
  await ana.ask('un', 'chat:1');
  await ana.ask('sub', 'chat:2');
  hub.user('ana').unsubscribe('chat:2');
  hub.user('ana').unsubscribe('news:*');
  assert.deepEqual(told, [
    ['subscribe', 'ana', 'chat:1'],
    ['subscribe', 'ana', 'news:*'],
    ['unsubscribe', 'ana', 'chat:1'],
    ['subscribe', 'ana', 'chat:2'],
    ['unsubscribe', 'ana', 'chat:2'],
    ['unsubscribe', 'ana', 'news:*'],
  ]);
});

test('the subscriptions of a connection end before it does, and the observer gets the code of its close', async () => {
  const { guest, told } = await observed();
  const [first, second, third] = [await guest(), await guest(), await guest()];
  await first.ask('sub', 'chat:1');
  await first.ask('sub', 'news:*');
  told.length = 0;
  first.connection.lost(1001);
  first.connection.lost(1006);
  second.connection.lost();
  third.connection.disconnect();
  assert.deepEqual(told, [
    ['unsubscribe', 'ana', 'news:*'],
    ['unsubscribe', 'ana', 'chat:1'],
    ['disconnect', 'ana', 1001],
    ['disconnect', 'ana', 1006],
    ['disconnect', 'ana', 1000],
  ]);
});

test('an observer is told the same of a text connection', async () => {
  const { hub, told } = await observed();
  const wire = new FakeWire();
  wire.plain = true;
  const connection = hub.connectText(wire, 'chat:1');
  await settle();
  connection.lost(1001);
  await settle();
  assert.deepEqual(told, [
    ['subscribe', 'ana', 'chat:1'],
    ['unsubscribe', 'ana', 'chat:1'],
    ['disconnect', 'ana', 1001],
  ]);
});

test('a connection that was not accepted, or was refused a channel, is no event for observers', async () => {
  const { hub, fanOut, told } = await observed();
  const wire = new FakeWire();
  fanOut.wires.add(wire);
  hub.connect(wire).lost(1001);
  hub.connectText(new FakeWire(), 'no channel');
  await settle();
  assert.deepEqual(told, []);
});
