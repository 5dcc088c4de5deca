import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, OutboxStorage, Subscription } from '../../src/client/index.ts';
import { keptIn } from '../../src/client/index.ts';
import type { ServerMessage } from '../../src/protocol/index.ts';
import { setUp } from './set-up.ts';

const NONSENSE = [
  'no JSON', 'null', '5', '"x"', '{}', '["ok"]', '["ok",1]', '["ok",2,null]', '["err"]', '["err",2]', '["m"]', '["m",1]',
  '["m",1,null,1]', '["skip",1]', '["live",1]', '["gap",1,null]', '["gap",1,{}]', '["ch",1]', '["+",1]', '["+",1,null]',
  '["-",1]', '["n",1,"many"]', '["to"]', '["end"]', '["bye"]', '["bye","X",null]', '[[]]', '[1,2]', '["what",1]',
]; // biome-ignore format: one line would be one a row.

test('whatever invalid data arrives, the next valid line is handled', async () => {
  for (const nonsense of NONSENSE) {
    const { hub, client, comeBack } = setUp();
    const came: unknown[] = [];
    client.on('message', (message) => came.push(message));
    client.subscribe('chat:42', { presence: true });
    await hub.settle();
    hub.line.down.push(nonsense);
    await hub.settle();
    await comeBack();
    hub.line.say(['to', 'hola']);
    await hub.settle();
    assert.deepEqual(came.at(-1), 'hola', nonsense);
    client.close();
  }
});

test('an answer without a result does not wait for ever', async () => {
  const { hub, client } = setUp();
  hub.refuse = (message) =>
    message[0] === 'hi' || message[0] === 'sub' ? (['ok', message[1], null] as ServerMessage) : undefined;
  const chat = client.subscribe('chat:42');
  const codes: unknown[] = [];
  chat.on('error', (error) => codes.push((error as unknown as { code: string }).code));
  await hub.settle();
  assert.deepEqual([client.state, chat.state, codes], ['open', 'ended', ['BAD_MESSAGE']]);
});

test('an answer to a subscription that lacks a part of its position ends it', async () => {
  const whole = { ch: 1, epoch: 'e1', offset: 0 };
  for (const missing of ['ch', 'epoch', 'offset']) {
    const { hub, client } = setUp();
    hub.refuse = (message) =>
      message[0] === 'sub' ? (['ok', message[1], { ...whole, [missing]: undefined }] as ServerMessage) : undefined;
    const chat = client.subscribe('chat:42');
    const codes: unknown[] = [];
    chat.on('error', (error) => codes.push((error as unknown as { code: string }).code));
    await hub.settle();
    assert.deepEqual([chat.state, codes], ['ended', ['BAD_MESSAGE']], missing);
    client.close();
  }
});

test('a server that welcomes and disconnects at once is tried less and less often', async () => {
  const { hub, client, clock } = setUp();
  client.open();
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 4; attempt++) {
    await hub.settle();
    assert.equal(client.state, 'open');
    hub.cut();
    pauses.push(client.retryIn);
    clock.advance(client.retryIn);
  }
  assert.deepEqual(pauses, [250, 500, 1000, 2000]);
});

test('a token that never arrives does not delay closing', async () => {
  const { hub, client, clock, errors } = setUp({ token: () => new Promise<string>(() => {}) });
  const call = client.call('add', 1).catch(({ code }) => code);
  await hub.settle();
  client.close();
  assert.equal(await call, 'CLOSED');
  assert.deepEqual([client.state, errors, clock.pending], ['closed', [], 0]);
});

test('a storage that cannot be read is reported, and the outbox works without it', async () => {
  const denied = () => {
    throw new Error('the browser denies it');
  };
  const storage = { length: 1, key: denied, getItem: denied, setItem() {}, removeItem: denied } as OutboxStorage;
  const { hub, client, errors } = setUp({ storage: keptIn(storage) });
  const published = client.publish('chat:42', 'hola');
  await hub.settle();
  assert.deepEqual(await published, ['e1', 1]);
  assert.deepEqual(
    errors.map(({ message }) => message),
    ['the browser denies it', 'the browser denies it'],
  );
});

type On = (client: Client, chat: Subscription, act: () => void) => void;
const LISTENERS: Record<string, On> = {
  connecting: (client, _, act) => client.on('state', (state) => state === 'connecting' && act()),
  open: (client, _, act) => client.on('state', (state) => state === 'open' && act()),
  waiting: (client, _, act) => client.on('state', (state) => state === 'waiting' && act()),
  error: (client, _, act) => client.on('error', act),
  to: (client, _, act) => client.on('message', act),
  message: (_, chat, act) => chat.on('message', act),
  gap: (_, chat, act) => chat.on('gap', act),
  skip: (_, chat, act) => chat.on('skip', act),
  presence: (_, chat, act) => chat.on('presence', act),
  live: (_, chat, act) => chat.on('live', act),
  ...Object.fromEntries(
    ['subscribing', 'catchingUp', 'live', 'waiting'].map((name): [string, On] => [
      `a feed that is ${name}`,
      (_, chat, act) => chat.on('state', (state) => state === name && act()),
    ]),
  ),
};

for (const [what, how] of [
  ['closing', (client: Client) => client.close()],
  ['unsubscribing', (_: Client, chats: Subscription[]) => chats.map((chat) => chat.unsubscribe())],
] as const) {
  test(`${what} inside any listener ends it, and nothing is left behind`, async () => {
    for (const [name, listen] of Object.entries(LISTENERS)) {
      const { hub, client, clock, comeBack, errors } = setUp();
      for (const data of [1, 2, 3]) hub.publish('chat:42', data);
      const chats = [client.subscribe('chat:42', { since: ['e1', 1], presence: true }), client.subscribe('chat:42')];
      let acted = 0;
      listen(client, chats[0]!, () => {
        acted += 1;
        how(client, chats);
      });
      await hub.settle();
      if (!acted) {
        hub.tell('chat:42', (ch) => ['skip', ch, 5]);
        hub.line.down.push('["to",1]\nnonsense');
        hub.tell('chat:42', (ch) => ['gap', ch, { have: ['e1', 3], oldest: 1, head: 9, epoch: 'e2' }]);
        await hub.settle();
        hub.cut();
        await comeBack();
      }
      assert.ok(acted > 0, name);
      assert.deepEqual(
        chats.map(({ state }) => state),
        ['ended', 'ended'],
        name,
      );
      if (what === 'closing') assert.equal(client.state, 'closed', name);
      client.close();
      assert.equal(clock.pending, 0, name);
      assert.deepEqual(
        errors.filter(({ message }) => !message.includes('nonsense')),
        [],
        name,
      );
    }
  });
}

test('ten thousand publications without a connection: as many wait as may, the others are refused at once', async () => {
  const { hub, client } = setUp();
  hub.accepts = false;
  const codes = Array.from({ length: 10_000 }, (_, index) =>
    client.publish('chat:42', index).then(
      () => 'taken',
      ({ code }) => code,
    ),
  );
  await hub.settle();
  assert.equal(client.unacknowledged, 1_000);
  hub.accepts = true;
  await hub.settle();
  const results = await Promise.all(codes);
  assert.deepEqual([results.lastIndexOf('taken'), results.indexOf('OUTBOX_FULL')], [999, 1_000]);
  assert.deepEqual(hub.dataOf('chat:42'), [...Array(1_000).keys()]);
});

test('a clock that is set back or forward checks the connection, and loses none that answers', async () => {
  const { hub, client, clock } = setUp();
  client.open();
  await hub.settle();
  for (const jump of [3_600_000, -7_200_000]) {
    clock.sleep(jump);
    clock.advance(5_000);
    await hub.settle();
    assert.deepEqual(hub.heard.at(-1), []);
    clock.advance(20_000);
    await hub.settle();
    assert.equal(client.state, 'open');
  }
  // And one that does not answer is found, though the clock went back.
  clock.sleep(-3_600_000);
  clock.advance(5_000);
  clock.advance(5_000);
  assert.equal(client.state, 'connecting');
});
