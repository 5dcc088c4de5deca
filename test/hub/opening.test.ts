import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { Alone } from '../../src/nodes/index.ts';

test('when the other nodes cannot be reached, opening fails as they do, and nothing is left open', async () => {
  const closed: string[] = [];
  const broker = memory();
  const { close } = broker;
  broker.close = () => {
    closed.push('broker');
    return close.call(broker);
  };
  const nodes = Object.assign(new Alone(), {
    open: () => Promise.reject(new Error('nobody is there')),
    close: async () => void closed.push('nodes'),
  });
  await assert.rejects(new Hub({ broker, nodes }).open(), { message: 'nobody is there' });
  assert.deepEqual(closed, ['nodes', 'broker']);
});
