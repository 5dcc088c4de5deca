import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Client } from '../../src/client/index.ts';
import { serveHub } from '../server/hub-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/until.ts';
import { setUp } from './set-up.ts';

/** A hub on a fake clock, whose identities are good for ten minutes. */
async function expiring(t: TestContext) {
  const clock = new FakeClock();
  const tokens: (string | undefined)[] = [];
  const ended: number[] = [];
  const { hub, url } = await serveHub(t, {
    clock,
    pingInterval: 3_600_000,
    connect: ({ token }) => {
      tokens.push(token);
      return { user: 'ana', expiresIn: 600_000 };
    },
  });
  hub.observe({ onDisconnect: (_, code) => ended.push(code) });
  const connect = async (options = {}) => {
    const client = new Client(url, { clock, random: () => 0, ...options });
    t.after(() => client.close());
    client.open();
    await until(() => client.state === 'open', 'open');
    return client;
  };
  return { clock, tokens, ended, connect };
}

test('a token is renewed in place before it expires, again and again, and the connection stays', async (t) => {
  const { clock, tokens, ended, connect } = await expiring(t);
  let asked = 0;
  const client = await connect({ token: () => `t${++asked}` });
  assert.equal(client.welcome?.expiresIn, 600_000);
  for (let round = 2; round <= 4; round++) {
    clock.advance(540_000);
    await until(() => tokens.length === round, `token ${round}`);
    await client.history('chat:42'); // what is answered later has come later
  }
  assert.deepEqual([tokens, ended, client.state], [['t1', 't2', 't3', 't4'], [], 'open']);
});

test('a page that was let in by a cookie comes back by itself when its time is over', async (t) => {
  const { clock, tokens, ended, connect } = await expiring(t);
  const client = await connect();
  const states: string[] = [];
  client.on('state', (state) => states.push(state));
  clock.advance(600_000);
  await until(() => client.state === 'waiting', 'the end of its time');
  assert.equal((client.why as { code?: string } | undefined)?.code, 'UNAUTHORIZED');
  clock.advance(client.retryIn);
  await until(() => client.state === 'open', 'open again');
  assert.deepEqual([tokens.length, ended, states], [2, [1008], ['waiting', 'connecting', 'open']]);
  assert.equal(client.why, undefined);
});

test('a token whose time is nearly over is not fetched and sent ever more often', async () => {
  let asked = 0;
  const { hub, client, clock } = setUp({ token: () => `t${++asked}` });
  hub.refuse = (message) =>
    message[0] === 'hi' || message[0] === 'auth'
      ? ['ok', message[1], { connection: 'c', resumed: false, ping: 25_000, expiresIn: 1_000 }]
      : undefined;
  client.open();
  await hub.settle();
  clock.advance(1_000);
  await hub.settle();
  assert.equal(asked, 1);
});

test('why there is no connection is known while it waits, and when the server has ended it', async () => {
  const { hub, client, comeBack, errors } = setUp();
  const why = () => client.why as { code?: string; message: string } | undefined;
  const codeOf = () => why()?.code;
  client.open();
  await hub.settle();
  assert.equal(client.why, undefined);
  hub.cut();
  assert.deepEqual(
    [client.state, codeOf(), why()?.message],
    ['waiting', 'CONNECTION_LOST', 'ws://hub/ was closed: 1006'],
  );
  await comeBack();
  assert.deepEqual([client.state, client.why], ['open', undefined]);
  hub.line.say(['bye', 'SHUTTING_DOWN', { after: 1_000 }]);
  await hub.settle();
  assert.deepEqual([client.state, codeOf()], ['waiting', 'SHUTTING_DOWN']);
  await comeBack();
  hub.line.say(['bye', 'CLOSED', {}]);
  await hub.settle();
  assert.deepEqual([client.state, codeOf(), errors.length], ['closed', 'CLOSED', 1]);
  client.open();
  await hub.settle();
  client.close();
  assert.deepEqual([client.why, errors.length], [undefined, 1]); // we wanted it
});

test('the option debug gets every frame, both ways', async () => {
  const lines: string[] = [];
  const { hub, client } = setUp({ debug: (line) => lines.push(line) });
  const answer = client.call('add', [1]);
  await hub.settle();
  await answer;
  assert.match(lines.join('\n'), /^> \["hi",1,\{\}\]\n< \["ok",1,.*\n> \["call",2,"add",\[1\]\]\n< \["ok",2,/);
});

test('the presence that was read stays as it is, and is another object after each change, and only then', async () => {
  const { hub, client } = setUp();
  const chat = client.subscribe('chat:42', { presence: true });
  await hub.settle();
  const empty = chat.presence;
  assert.equal(chat.presence, empty);
  hub.tell('chat:42', (ch) => ['+', ch, { id: 'ana' }]);
  await hub.settle();
  const one = chat.presence;
  hub.tell('chat:42', (ch) => ['-', ch, 'nobody']);
  await hub.settle();
  assert.equal(chat.presence, one);
  hub.tell('chat:42', (ch) => ['-', ch, 'ana']);
  await hub.settle();
  assert.deepEqual([empty.size, one.size, chat.presence.size], [0, 1, 0]);
});
