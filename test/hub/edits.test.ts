import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { memory, sqlite } from '../../src/broker/index.ts';
import { Client, type Message } from '../../src/client/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { contract, type Position } from '../../src/protocol/index.ts';
import { HubPeer, serveHub } from '../server/hub-peer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

type Shown = Pick<Message, 'data' | 'erased' | 'replaced' | 'erases' | 'replaces'>;

async function place(t: TestContext, broker = memory()) {
  const { hub, url } = await serveHub(t, { broker, channels: { '*': { history: { size: 20 } } } });
  const client = new Client(url);
  t.after(() => client.close());
  const shown = ({ data, erased, replaced, erases, replaces }: Shown) =>
    JSON.parse(JSON.stringify([data, { erased, replaced, erases, replaces }]));
  /** What somebody hears who continues after a position, up to the end. */
  const heardSince = async (since: Position) => {
    const { head } = await client.history('chat', { limit: 1 });
    const heard: unknown[] = [];
    const chat = client.subscribe('chat', { since });
    for await (const message of chat) {
      heard.push(shown(message));
      if (message.position![1] === head) break;
    }
    chat.unsubscribe();
    return heard;
  };
  return { hub, url, client, shown, heardSince };
}

for (const kind of ['memory', 'sqlite'])
  test(`all readers learn what is erased or replaced, also those who were away, and the log in ${kind} has the new state`, async (t) => {
    const broker = kind === 'sqlite' ? (sqlite(join(temporaryFolder(t), 'log.db')) as never) : memory();
    const { hub, client, shown, heardSince } = await place(t, broker);
    const chat = client.subscribe('chat');
    const live: unknown[] = [];
    chat.on('message', (message) => live.push(shown(message)));
    await new Promise((resolve) => chat.on('live', resolve));
    const [first] = [await hub.publish('chat', 'one', { user: 'ana' }), await hub.publish('chat', 'two')];
    const third = await hub.publish('chat', 'three');
    assert.equal((await hub.erase('chat', first))[1], 4);
    assert.equal((await hub.replace('chat', third, 'THREE'))[1], 5);
    await until(() => live.length === 5, 'all is heard');
    assert.deepEqual(live, [
      ['one', {}],
      ['two', {}],
      ['three', {}],
      [null, { erases: 1 }],
      ['THREE', { replaces: 3 }],
    ]);
    const state = [
      [null, { erased: true }],
      ['two', {}],
      ['THREE', { replaced: true }],
      [null, { erases: 1 }],
      ['THREE', { replaces: 3 }],
    ];
    assert.deepEqual((await client.history('chat')).messages.map(shown), state);
    // Who was away since the second hears of both, and who begins at the start sees only the new state.
    assert.deepEqual(await heardSince([first[0], 2]), state.slice(2));
    assert.deepEqual(await heardSince([first[0], 0]), state);
    assert.equal((await client.history('chat', { limit: 1 })).messages[0]?.user, 'ana');
  });

test('a publication that is replaced again or erased leaves no copy of what it had', async (t) => {
  const { hub, client, shown } = await place(t);
  const at = await hub.publish('chat', 'first secret');
  const notice = await hub.replace('chat', at, 'second secret');
  await hub.replace('chat', at, 'third secret');
  const all = async () => JSON.stringify((await client.history('chat')).messages.map(shown));
  assert.doesNotMatch(await all(), /first|second/);
  // The notice of a replacement stands for what was replaced.
  await hub.erase('chat', notice);
  assert.doesNotMatch(await all(), /secret/);
  await assert.rejects(hub.replace('chat', at, 'again'), { code: 'BAD_POSITION' });
  assert.equal((await hub.erase('chat', at))[1], 5, 'to erase again is no error');
});

test('what was never replaced is changed without reading what came after it', async (t) => {
  const broker = memory();
  const { read } = broker;
  let entries = 0;
  broker.read = async (...page) => {
    const found = await read.apply(broker, page);
    entries += found.gap ? 0 : found.entries.length;
    return found;
  };
  const hub = new Hub({ broker });
  t.after(() => hub.close());
  const at = await hub.publish('chat', 'one');
  for (let n = 0; n < 900; n++) await hub.publish('chat', n);
  await hub.erase('chat', [at[0], 2]);
  await hub.replace('chat', at, 'ONE');
  assert.equal(entries, 2);
  await hub.erase('chat', at);
  const page = await hub.history('chat', { at: [at[0], 900] });
  assert.deepEqual(
    page.entries.map(([, data]) => data),
    [899, null, null, null],
  );
});

test('changes at the same moment follow each other, and leave the log and its readers with the same state', async (t) => {
  const { hub, client } = await place(t);
  const at = await hub.publish('chat', 0);
  await Promise.all([1, 2, 3, 4].map((n) => hub.replace('chat', at, n)));
  const { messages } = await client.history('chat');
  assert.equal(messages[0]?.data, 4);
  assert.deepEqual(
    messages.map(({ data, replaces }) => [data, replaces]),
    [
      [4, undefined],
      [null, 1],
      [null, 1],
      [null, 1],
      [4, 1],
    ],
  );
});

test('readers also learn of changes to what the log no longer has; changes to what it never had are refused', async (t) => {
  const { hub } = await place(t);
  const at = await hub.publish('chat', 'old');
  for (let n = 0; n < 30; n++) await hub.publish('chat', n);
  assert.equal((await hub.erase('chat', at))[1], 32);
  await assert.rejects(hub.erase('chat', [at[0], 40]), { code: 'BAD_POSITION' });
  await assert.rejects(hub.erase('chat', [at[0], 0]), { code: 'BAD_POSITION' });
  await assert.rejects(hub.erase('chat', ['other', 1]), { code: 'BAD_POSITION' });
  await assert.rejects(hub.erase('not a name', at), { code: 'BAD_OPTION' });
});

test('a replacement fits the contract and the size, or nothing changes', async (t) => {
  const agreed = contract({ channels: { chat: z.string() } });
  const { hub } = await serveHub(t, { contract: agreed, channels: { '*': { maxData: 20 } } });
  const at = (await hub.publish('chat', 'one')) as Position;
  await assert.rejects(hub.replace('chat', at, 2 as never), { code: 'BAD_DATA' });
  await assert.rejects(hub.replace('chat', at, 'x'.repeat(30)), { code: 'TOO_LARGE' });
  assert.deepEqual(
    (await hub.history('chat')).entries.map(([, data]) => data),
    ['one'],
  );
});

test('a broker that cannot change its log says so', async (t) => {
  const broker = memory();
  const { hub } = await serveHub(t, {
    broker: {
      open: () => broker.open(),
      publish: (...publication) => broker.publish(...publication),
      read: (...page) => broker.read(...page),
      state: (channel) => broker.state(channel),
      watch: (...watching) => broker.watch(...watching),
      close: () => broker.close(),
    },
  });
  const at = await hub.publish('chat', 1);
  await assert.rejects(hub.erase('chat', at), { code: 'NOT_OFFERED' });
});

test('readers of plain text get the publications, and nothing of their changes', async (t) => {
  const { hub, url } = await place(t);
  const heard: string[] = [];
  const socket = new WebSocket(`${url}/chat`);
  t.after(() => socket.close());
  socket.onmessage = ({ data }) => heard.push(data);
  await until(() => hub.subscribers('chat') === 1, 'it is there');
  const at = await hub.publish('chat', 'one');
  await hub.replace('chat', at, 'two');
  await hub.erase('chat', at);
  await hub.publish('chat', 'three');
  await until(() => heard.includes('three'), 'all is heard');
  assert.deepEqual(heard, ['one', 'three']);
});

test('a client by hand reads in the metadata what was changed', async (t) => {
  const { hub, url } = await place(t);
  const peer = await HubPeer.join(t, url);
  await peer.ask('sub', 'chat');
  const at = await hub.publish('chat', 'one', { event: 'line' });
  await hub.erase('chat', at);
  await peer.until('m');
  const [, , offset, data, meta] = await peer.until('m');
  const { erases, event } = meta as { erases: number; event: string };
  assert.deepEqual([offset, data, erases, event], [2, null, 1, 'line']);
});
