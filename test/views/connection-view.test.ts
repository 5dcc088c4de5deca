import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionView } from '../../src/views/index.ts';
import { setUp } from '../client/set-up.ts';

test('a connection is shown with its user, why it waits, and when it tries again', async () => {
  const { hub, client, comeBack } = setUp();
  const view = connectionView(client);
  assert.equal(connectionView(client), view);
  let told = 0;
  view.subscribe(() => told++);
  assert.deepEqual(view.getSnapshot(), { state: 'closed', why: undefined, retryAt: undefined, user: undefined });
  client.open();
  await hub.settle();
  const open = view.getSnapshot();
  assert.deepEqual([open.state, open.user, open.why], ['open', 'natalia', undefined]);
  assert.ok(told > 0);
  hub.cut();
  const waiting = view.getSnapshot();
  assert.deepEqual([waiting.state, (waiting.why as { code?: string }).code], ['waiting', 'CONNECTION_LOST']);
  assert.ok(Math.abs(waiting.retryAt! - Date.now() - client.retryIn) < 1_000);
  assert.equal(view.getSnapshot(), waiting);
  await comeBack();
  assert.equal(view.getSnapshot().state, 'open');
  client.close();
  assert.deepEqual([view.getSnapshot().state, view.getSnapshot().why], ['closed', undefined]);
});
