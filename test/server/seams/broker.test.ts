import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub } from '../../../src/hub/index.ts';
import { storeText } from '../../../src/server/stores/config.ts';
import { brokerOf, fileBeside, inspectStore, STORES, storeForms } from '../../../src/server/stores/index.ts';
import { shelves, toyStore } from './toy-broker/index.ts';

/** The line that names it. */
const stores = { ...STORES, shelf: toyStore };

test('a broker is a folder and a row: the configuration, the help, the doctor and the daemon read it', async (t) => {
  assert.equal(storeForms(stores), 'sqlite:<file>, redis://<host>, memory or shelf:<name>');
  const schema = storeText(stores);
  assert.equal(schema.parse('shelf:a'), 'shelf:a');
  assert.throws(() => schema.parse('shelf:'), /must be sqlite:<file>, redis:\/\/<host>, memory or shelf:<name>/);
  assert.deepEqual(await inspectStore('shelf:a', false, stores), { level: 'ok', sentence: 'the shelf a is there' });
  assert.equal(fileBeside('shelf:a', 'webhooks', stores), undefined);

  const hub = new Hub({ broker: brokerOf('shelf:a', { keys: 10 }, stores) });
  t.after(() => hub.close());
  await hub.open();
  assert.deepEqual([...shelves], ['a']);
  await hub.publish('news', 1);
  assert.equal((await hub.history('news')).head, 1);
  await hub.close();
  assert.deepEqual([...shelves], []);
});

test('a store of an unknown kind, or without its place, is refused with the forms of all kinds', () => {
  for (const store of ['postgres://localhost', 'redis:', 'sqlite:', 'memory:place', 'nothing', 'constructor:x'])
    assert.throws(() => brokerOf(store, { keys: 10 }), {
      code: 'BAD_OPTION',
      message: /is of an unknown kind; write sqlite:<file>, redis:\/\/<host> or memory:/,
    });
});
