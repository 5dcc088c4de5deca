import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { keptIn } from '../../src/client/index.ts';
import { channelView } from '../../src/views/index.ts';
import { turn } from '../support/turn.ts';
import { FakeStorage } from './fake-storage.ts';
import { setUp } from './set-up.ts';

const byHand = { message: 'by hand' };

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(byHand) };
}

test('a publication whose signal is aborted before there is a connection is taken back, from the storage too', async () => {
  const storage = new FakeStorage();
  const { client, hub } = setUp({ storage: keptIn(storage) });
  const { signal, abort } = abortable();
  const other = client.publish('chat:42', 'other');
  const answer = client.publish('chat:42', 'hola', { signal });
  assert.deepEqual([client.unacknowledged, storage.length], [2, 2]);
  abort();
  await assert.rejects(answer, byHand);
  assert.deepEqual([client.unacknowledged, storage.length], [1, 1]);
  await hub.settle();
  await other;
  assert.deepEqual(hub.dataOf('chat:42'), ['other']);
  client.close();
});

test('a publication whose signal was aborted before is refused, and one with keep: false as well', async () => {
  const { client, hub } = setUp();
  const { signal, abort } = abortable();
  abort();
  await assert.rejects(client.publish('chat:42', 'hola', { signal }), byHand);
  await assert.rejects(client.publish('chat:42', 'hola', { signal, keep: false }), byHand);
  await hub.settle();
  assert.equal(hub.heardOf('pub').length, 0);
  client.close();
});

test('what was sent before its signal was aborted is settled by its answer, also after a lost connection', async () => {
  const { client, hub, comeBack } = setUp();
  client.open();
  await hub.settle();
  const { signal, abort } = abortable();
  const answer = client.publish('chat:42', 'hola', { signal });
  hub.step(1, 0);
  hub.cut();
  abort();
  assert.equal(client.unacknowledged, 1, 'it may be in the log');
  await comeBack();
  assert.deepEqual(await answer, ['e1', 1]);
  assert.deepEqual(hub.dataOf('chat:42'), ['hola']);
  client.close();
});

test('what was never sent can be taken back after an attempt to connect has failed', async () => {
  const { client, hub, comeBack } = setUp();
  hub.accepts = false;
  const { signal, abort } = abortable();
  const answer = client.publish('chat:42', 'hola', { signal });
  await hub.settle();
  hub.cut();
  assert.equal(client.state, 'waiting');
  abort();
  await assert.rejects(answer, byHand);
  hub.accepts = true;
  await comeBack();
  assert.deepEqual([client.state, hub.dataOf('chat:42')], ['open', []]);
  client.close();
});

test('the signal of a publication is not sent to the server, and has no listeners afterwards', async () => {
  const { client, hub } = setUp();
  const { signal } = abortable();
  const answers = [client.publish('chat:42', 1, { signal }), client.publish('chat:42', 2, { signal, keep: false })];
  await turn();
  assert.equal(getEventListeners(signal, 'abort').length, 2);
  await hub.settle();
  await Promise.all(answers);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.deepEqual(
    hub.heardOf('pub').map(([, , , , options]) => Object.keys(options)),
    [['key'], ['keep', 'key']],
  );
  client.close();
});

test('the row of a publication that was taken back is gone from a view', async () => {
  const { client, hub } = setUp();
  const view = channelView<string>(client, 'chat:42');
  const off = view.subscribe(() => {});
  const { signal, abort } = abortable();
  const answer = view.publish('hola', { signal });
  assert.deepEqual(
    view.getSnapshot().messages.map(({ id, status }) => [id, status]),
    [[answer.key, 'sending']],
  );
  abort();
  await assert.rejects(answer, byHand);
  assert.deepEqual(view.getSnapshot().messages, []);
  await hub.settle();
  assert.deepEqual(hub.dataOf('chat:42'), []);
  off();
  client.close();
});
