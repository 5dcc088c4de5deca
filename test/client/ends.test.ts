import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { closeWhenSent, ProtocolError } from '../../src/client/index.ts';
import { setUp } from './set-up.ts';

const withCode = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;

test('a signal ends the waiting for a call, a page of history and a presence, and its listeners are gone', async () => {
  const { hub, client, clock } = setUp();
  hub.refuse = ([verb, id]) => (verb === 'call' || verb === 'get' ? null : id === -1 ? null : undefined);
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error('the page is gone');
  const answers = [
    client.call('slow', null, { signal }),
    client.history('chat:42', { signal }),
    client.presence('chat:42', { signal }),
  ].map((answer) => assert.rejects(answer, reason));
  await hub.settle();
  assert.equal(hub.heardOf('call').length, 1);
  const { pending } = clock;
  controller.abort(reason);
  await Promise.all(answers);
  assert.deepEqual([getEventListeners(signal, 'abort'), clock.pending], [[], pending - 3]);
  await assert.rejects(client.call('late', null, { signal }), reason);
  await hub.settle();
  assert.equal(hub.heardOf('call').length, 1);
});

test('a call that is aborted before there is a connection is never sent', async () => {
  const { hub, client } = setUp();
  hub.accepts = false;
  const controller = new AbortController();
  const call = client.call('add', [1], { signal: controller.signal });
  await hub.settle();
  controller.abort();
  await assert.rejects(call, { name: 'AbortError' });
  hub.accepts = true;
  await hub.settle();
  assert.deepEqual([client.state, hub.heardOf('call')], ['open', []]);
});

test('an answer in time leaves no listener on the signal', async () => {
  const { hub, client } = setUp();
  const { signal } = new AbortController();
  const [answer] = await Promise.all([client.call('add', [1], { signal }), hub.settle()]);
  assert.deepEqual([answer, getEventListeners(signal, 'abort')], [{ method: 'add', data: [1] }, []]);
});

test('a signal ends a subscription and its loops, and forgets a subscription that ended otherwise', async () => {
  const { hub, client } = setUp();
  const controller = new AbortController();
  const { signal } = controller;
  const chat = client.subscribe('chat:42', { signal });
  const other = client.subscribe('chat:43', { signal });
  const loop = (async () => {
    for await (const message of chat) assert.fail(JSON.stringify(message));
    return 'over';
  })();
  await hub.settle();
  assert.equal(getEventListeners(signal, 'abort').length, 2);
  other.unsubscribe();
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  controller.abort();
  assert.deepEqual([await loop, chat.state], ['over', 'ended']);
  await hub.settle();
  assert.equal(hub.heardOf('un').length, 2);
  const late = client.subscribe('chat:44', { signal });
  await hub.settle();
  assert.equal(late.state, 'ended');
});

test('a client closes when all is acknowledged, and at the latest after the time limit', async () => {
  const first = setUp();
  const after = first.clock.after.bind(first.clock);
  const answers = [first.client.publish('chat:42', 1), first.client.publish('chat:42', 2)];
  const closed = closeWhenSent(first.client, { after });
  assert.equal(first.client.state, 'connecting');
  await first.hub.settle();
  assert.deepEqual([await closed, first.client.state, first.hub.dataOf('chat:42')], [0, 'closed', [1, 2]]);
  assert.deepEqual(
    (await Promise.all(answers)).map((at) => at?.[1]),
    [1, 2],
  );
  assert.equal(first.clock.pending, 0);

  const second = setUp();
  second.hub.accepts = false;
  const lost = assert.rejects(second.client.publish('chat:42', 1), withCode('CLOSED'));
  const given = closeWhenSent(second.client, { timeout: 2_000, after: second.clock.after.bind(second.clock) });
  await second.hub.settle();
  second.clock.advance(2_000);
  assert.equal(await given, 1);
  await lost;
  assert.equal(await closeWhenSent(second.client), 0);
  assert.equal(second.clock.pending, 0);
});

test('a client that closes waits for the last of its publications, and sends what was asked of it before', async () => {
  const { hub, client, clock } = setUp();
  client.open();
  await hub.settle();
  hub.refuse = (message) => (message[0] === 'pub' && message[3] === 2 ? null : undefined);
  const answers = [client.publish('chat:42', 1), client.publish('chat:42', 2)];
  let left: number | undefined;
  const closed = closeWhenSent(client, { timeout: 2_000, after: clock.after.bind(clock) }).then((count) => {
    left = count;
  });
  await hub.settle();
  await answers[0];
  assert.deepEqual([left, client.state], [undefined, 'open'], 'the second one is not acknowledged');
  const refused = assert.rejects(answers[1]!, withCode('CLOSED'));
  clock.advance(2_000);
  await closed;
  await refused;
  assert.equal(left, 1);
});

test('what a page asks for right before it closes the client is sent', async () => {
  const { hub, client } = setUp();
  client.open();
  await hub.settle();
  const { line } = hub;
  const call = assert.rejects(client.call('leave', 1), withCode('CONNECTION_LOST'));
  client.close();
  assert.match(line.sent.at(-1)!, /^\["call",\d+,"leave",1\]$/);
  await call;
});
