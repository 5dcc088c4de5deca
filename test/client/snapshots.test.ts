import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { keptIn } from '../../src/client/index.ts';
import { npmPackages } from '../support/npm-packages.ts';
import { FakeStorage } from './fake-storage.ts';
import { setUp } from './set-up.ts';

test('the list of what waits stays as it was read, and is another one after each change, and only then', async () => {
  const { hub, client } = setUp();
  const told: (readonly unknown[])[] = [];
  client.on('waiting', (waiting) => told.push(waiting));
  const empty = client.waiting;
  assert.equal(client.waiting, empty);
  const answers = [client.publish('chat:42', { a: 1 }), client.publish('chat:42', { a: 2 })];
  const two = client.waiting;
  assert.equal(client.waiting, two);
  assert.equal(two[0], client.waiting[0]);
  await hub.settle();
  await Promise.all(answers);
  assert.deepEqual([empty.length, two.map(({ data }) => data), client.waiting], [0, [{ a: 1 }, { a: 2 }], []]);
  assert.deepEqual(
    told.map(({ length }) => length),
    [1, 2, 1, 0],
  );
  assert.equal(told.at(-1), client.waiting);
  await Promise.all([client.publish('chat:42', 'nobody waits for it', { keep: false }), hub.settle()]);
  client.subscribe('chat:43');
  await hub.settle();
  client.close();
  assert.equal(told.length, 4);
});

test('what an earlier page left, and what is given up, is reported as well', async () => {
  const storage = keptIn(new FakeStorage());
  const first = setUp({ storage });
  const lost = assert.rejects(first.client.publish('chat:42', 'hola'));
  first.client.close();
  await lost;
  assert.deepEqual(first.client.waiting, []);
  const { client } = setUp({ storage });
  const told: unknown[] = [];
  client.on('waiting', (waiting) => told.push(waiting.map(({ data }) => data)));
  client.open();
  client.close();
  assert.deepEqual(told, [['hola'], []]);
});

const VUE = npmPackages({ '@vue/reactivity': '3.5.45' });

test('a client and a subscription work in a `ref` and a `reactive` of Vue', { skip: VUE.missing }, async () => {
  const path = join(VUE.folder, 'node_modules/@vue/reactivity/index.js');
  const { effect, reactive, ref, shallowRef } = (await import(pathToFileURL(path).href)).default;
  const { hub, client } = setUp();
  const page = reactive({ client, chat: null });
  const held = ref(client);
  assert.equal(held.value, client);
  page.chat = held.value.subscribe('chat:42', { presence: true });
  const got: unknown[] = [];
  page.chat.on('message', ({ data }: { data: unknown }) => got.push(data));
  await hub.settle();
  await Promise.all([page.chat.publish('hola'), hub.settle()]);
  assert.deepEqual([got, page.client.state, page.chat.state], [['hola'], 'open', 'live']);
  // What changes is a snapshot, in a ref of its own.
  const members = shallowRef(page.chat.presence);
  page.chat.on('presence', () => {
    members.value = page.chat.presence;
  });
  const seen: number[] = [];
  effect(() => seen.push(members.value.size));
  hub.tell('chat:42', (ch) => ['+', ch, { id: 'ana' }]);
  await hub.settle();
  assert.deepEqual(seen, [0, 1]);
});
