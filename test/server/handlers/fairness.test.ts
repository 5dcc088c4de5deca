import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue } from '../../../src/server/handlers/carriers/fair-queue.ts';
import { eventText, NO_HEADERS } from '../../../src/server/handlers/event.ts';
import { KINDS, openCarrier } from '../../contract/carriers.ts';
import type { Wish } from '../../contract/handler-application.ts';

let events = 0;
const call = (wish: Wish, connection: string) => {
  const id = `test-${++events}`;
  const text = eventText('call', id, { data: JSON.stringify(wish) });
  return { name: 'call', id, connection, headers: NO_HEADERS, text } as const;
};
const codeOf = (asked: Promise<string>) =>
  asked.then(
    () => 'ok',
    ({ code }) => code as string,
  );

for (const kind of KINDS.filter(({ name }) => name === 'http' || name === 'workers')) {
  const one = kind.name === 'workers' ? { workers: 1 } : {};

  test(`${kind.name}: one connection's many slow events do not hold up another, and give way when too many wait`, async (t) => {
    const { carrier } = openCarrier(t, { ...(await kind.start(t)), ...one, waiting: 20, timeout: '20s' });
    await carrier.ask(call({}, 'quick'));
    const flood = Array.from({ length: 60 }, () => carrier.ask(call({ take: 150 }, 'flood')));
    const codes = Promise.all(flood.map(codeOf));
    const begun = performance.now();
    assert.equal(await codeOf(carrier.ask(call({}, 'other'))), 'ok');
    const took = performance.now() - begun;
    // Behind all that may wait it would be three seconds.
    assert.ok(took < 1_500, `it took ${took} ms`);
    assert.ok((await codes).filter((code) => code === 'HANDLER_BUSY').length >= 30);
  });

  test(`${kind.name}: no event waits for much longer than three times the time limit, however slow those before it are`, async (t) => {
    const { carrier } = openCarrier(t, { ...(await kind.start(t)), ...one, timeout: '2s' });
    await carrier.ask(call({}, 'a'));
    const begun = performance.now();
    // Fewer than the time limit each, and of the same connection: one after the other.
    const codes = await Promise.all(Array.from({ length: 30 }, () => codeOf(carrier.ask(call({ take: 1_200 }, 'a')))));
    const took = performance.now() - begun;
    assert.ok(took < 12_000, `it took ${took} ms`); // 36 seconds if all were served
    assert.equal(codes[0], 'ok');
    assert.equal(codes.at(-1), 'HANDLER_BUSY');
  });
}

test('a worker that hangs uses up only its own share of what may wait', async (t) => {
  const workers = KINDS.find(({ name }) => name === 'workers')!;
  const { carrier } = openCarrier(t, { ...(await workers.start(t)), waiting: 10, timeout: '30s' });
  // With two workers, some of these have another than 'stuck'.
  const others = ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  void codeOf(carrier.ask(call({ hang: true }, 'stuck')));
  for (let n = 0; n < 100; n++) void codeOf(carrier.ask(call({}, 'stuck')));
  await Promise.any(others.map((connection) => carrier.ask(call({}, connection))));
});

test('while the program of a worker cannot run, waiting events fail after the time limit', async (t) => {
  // It lives longer than it takes to send it something, and never answers.
  const { carrier } = openCarrier(t, { run: ['sh', '-c', 'sleep 0.1; exit 1'], timeout: '400ms' });
  const begun = performance.now();
  const codes = await Promise.all(
    Array.from({ length: 50 }, (_, n) => codeOf(carrier.ask(call({}, `connection ${n % 10}`)))),
  );
  const took = performance.now() - begun;
  assert.ok(took < 4_000, `it took ${took} ms`);
  assert.deepEqual(
    codes.filter((code) => code === 'ok'),
    [],
  );
});

test('of what waits the lines take turns, each in its own order, and the longest gives way', () => {
  const queue = new FairQueue<string>();
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item[0], item);
  assert.equal(queue.makeRoom('d'), 'a3');
  assert.equal(queue.makeRoom('a'), undefined);
  assert.equal(queue.size, 5);
  const order = [queue.shift(), queue.shift(), queue.shift(), queue.shift(), queue.shift(), queue.shift()];
  assert.deepEqual(order, ['a1', 'b1', 'c1', 'a2', 'c2', undefined]);
  queue.push('a', 'a4');
  queue.push('b', 'b2');
  assert.deepEqual(
    queue.takeWhile((item) => item === 'a4'),
    ['a4'],
  );
  assert.equal(queue.size, 1);
  assert.equal(queue.shift(), 'b2');
});
