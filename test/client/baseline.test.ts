import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { transform } from 'esbuild';
import { bundlePlainPage, bundleSdk } from '../../scripts/bundle-sdk.ts';
import type * as Sdk from '../../src/client/index.ts';
import { serveHub } from '../server/hub-peer.ts';

/** What browsers have learned since 2021, and what React Native does without. A context of `vm` has no `crypto`. */
const YOUNGER = `
  for (const name of ['withResolvers', 'try']) delete Promise[name];
  for (const name of ['groupBy', 'hasOwn']) delete Object[name];
  for (const name of ['at', 'findLast', 'findLastIndex', 'toReversed', 'toSorted', 'toSpliced', 'with'])
    delete Array.prototype[name];
  for (const name of ['at', 'isWellFormed', 'toWellFormed']) delete String.prototype[name];
  for (const name of ['union', 'intersection', 'difference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'])
    delete Set.prototype[name];
  for (const name of ['getOrInsert', 'getOrInsertComputed']) delete Map.prototype[name];
  for (const name of ['map', 'filter', 'take', 'drop', 'flatMap', 'reduce', 'toArray', 'forEach', 'some', 'every', 'find'])
    delete Iterator.prototype[name];
  delete Array.fromAsync; delete Map.groupBy; delete JSON.rawJSON; delete RegExp.escape; delete Error.isError;
  delete globalThis.Iterator; delete globalThis.structuredClone; delete globalThis.WeakRef;
`;

/** The SDK that is shipped, in a browser of 2021 as far as its globals are concerned. */
async function sdkOf2021(): Promise<typeof Sdk> {
  const { code } = await bundleSdk();
  const script = await transform(code, { format: 'iife', globalName: 'Zocalo' });
  const { WebSocket, setTimeout, clearTimeout, queueMicrotask, performance } = globalThis;
  const page = createContext({ WebSocket, setTimeout, clearTimeout, queueMicrotask, performance, console });
  runInContext(YOUNGER, page);
  assert.equal(runInContext('Promise.withResolvers ?? [].at ?? globalThis.crypto', page), undefined);
  runInContext(script.code, page);
  return runInContext('Zocalo', page);
}

test('the shipped file publishes, calls, reads the history and loops in a browser of 2021', async (t) => {
  const { Client } = await sdkOf2021();
  const { hub, url } = await serveHub(t, { channels: { '*': { presence: true, patterns: true } } });
  hub.method('double', (data) => 2 * (data as number));
  const client = new Client(url);
  t.after(() => client.close());
  const heard = new Promise((resolve) => client.subscribe('*').on('message', ({ data }) => resolve(data)));
  const chat = client.subscribe('chat:42', { presence: true, member: { name: 'Ana' } });
  const here = new Promise((resolve) => chat.on('presence', ({ members }) => resolve(members.size)));
  await new Promise((resolve) => chat.on('live', resolve));
  assert.equal((await chat.publish('hola'))?.[1], 1);
  for await (const { data, mine } of chat) {
    assert.deepEqual([data, mine], ['hola', true]);
    break;
  }
  assert.deepEqual([await client.call('double', 21), await heard, await here], [42, 'hola', 1]);
  assert.equal((await client.history('chat:42')).messages[0]?.data, 'hola');
  assert.equal((await client.presence('chat:42')).count, 1);
  await client.publish('chat:42', 'typing', { keep: false });
});

test('the sources of the SDK have no syntax that a browser of 2021 lacks', async () => {
  // Otherwise the oldest browsers would get another text. Those with a bundler of their own get what we write.
  assert.deepEqual(await bundlePlainPage(), await bundlePlainPage(['esnext']));
});
