import assert from 'node:assert/strict';
import { test } from 'node:test';
import { square } from './fake-wire.ts';

test('a method may be a pattern: the most specific one answers, and gets the called name', async () => {
  const { hub, guest } = await square();
  const say = (handler: string) => (data: unknown, _who: unknown, method: string) => [handler, method, data];
  hub.method('order.*', say('orders')).method('order.place', say('place')).method('order.*.cancel', say('cancel'));
  const ana = await guest();
  assert.deepEqual(await ana.ask('call', 'order.place', 1), ['place', 'order.place', 1]);
  assert.deepEqual(await ana.ask('call', 'order.list', 2), ['orders', 'order.list', 2]);
  assert.deepEqual(await ana.ask('call', 'order.7.cancel', 3), ['cancel', 'order.7.cancel', 3]);
  assert.equal(await ana.ask('call', 'order.'), 'NO_SUCH_METHOD');
  assert.equal(await ana.ask('call', 'other'), 'NO_SUCH_METHOD');
  hub.method('*', say('fallback'));
  assert.deepEqual(await ana.ask('call', 'other'), ['fallback', 'other', null]);
  assert.deepEqual(await ana.ask('call', 'any text, ñ'), ['fallback', 'any text, ñ', null]);
});

test('a handler gets the text of the argument with all its digits, and may return a text', async () => {
  const { hub, guest } = await square();
  hub.method('echo', (_data, _who, _method, { json }) => json);
  const ana = await guest();
  ana.connection.receive('["call",7,"echo",[1163456789012345678]]');
  await ana.ask('un', 'nothing');
  assert.ok(ana.wire.texts.includes('["ok",7,[1163456789012345678]]'));
});

test('a table of other methods is replaced as a whole, and comes after the methods of the program', async () => {
  const { hub, guest } = await square();
  hub.method('version', () => 1);
  const ana = await guest();
  const commit = hub.prepareMethods({ '*': (_data, _who, method) => `first: ${method}` });
  assert.equal(await ana.ask('call', 'order.place'), 'NO_SUCH_METHOD');
  commit();
  assert.equal(await ana.ask('call', 'order.place'), 'first: order.place');
  assert.equal(await ana.ask('call', 'version'), 1);
  hub.prepareMethods({ 'order.*': () => 'second' })();
  assert.equal(await ana.ask('call', 'order.place'), 'second');
  assert.equal(await ana.ask('call', 'other'), 'NO_SUCH_METHOD');
});

test('a second method of the same name, and an invalid pattern, are refused and change nothing', async () => {
  const { hub, guest } = await square();
  hub.method('order.*', () => 'first');
  assert.throws(() => hub.method('order.*', () => 'second'), { code: 'BAD_OPTION', message: /order\.\*/ });
  assert.throws(() => hub.method('no pattern *', () => 0), { code: 'BAD_OPTION', message: /"no pattern \*"/ });
  assert.throws(() => hub.prepareMethods({ '**': () => 0 }), { code: 'BAD_OPTION' });
  assert.equal(await (await guest()).ask('call', 'order.1'), 'first');
});
