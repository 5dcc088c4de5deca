import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, type ClientState, ProtocolError } from '../../src/client/index.ts';
import { LEGAL as CLIENT_TRANSITIONS } from '../../src/client/reconnecting-socket.ts';
import { isPassing } from '../../src/client/retry.ts';
import { CODES, mayRetry } from '../../src/protocol/index.ts';
import { setUp } from './set-up.ts';

const withCode = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;

test('it connects at the first use, requests the subprotocol, and is open once it is welcomed', async () => {
  const { hub, client, states } = setUp();
  assert.equal(hub.lines.length, 0);
  assert.equal(client.state, 'closed');
  const answer = client.call('add', [1, 2]);
  assert.equal(client.state, 'connecting');
  await hub.settle();
  assert.deepEqual(await answer, { method: 'add', data: [1, 2] });
  assert.equal(hub.line.url, 'ws://hub/');
  assert.equal(hub.line.subprotocol, 'zocalo.1');
  assert.deepEqual(states, ['connecting', 'open']);
  assert.equal(client.welcome?.user, 'natalia');
});

test('its changes of state are only those of the table, whatever happens', async () => {
  const { clock, hub, client, states, comeBack } = setUp();
  client.open();
  await hub.settle();
  hub.cut();
  await comeBack();
  hub.line.say(['bye', 'SHUTTING_DOWN', { after: 100 }]);
  await hub.settle();
  client.close();
  client.open();
  hub.accepts = false;
  await hub.settle();
  clock.advance(10_000);
  hub.accepts = true;
  await comeBack();
  hub.line.say(['bye', 'CLOSED', {}]);
  await hub.settle();
  let before: ClientState = 'closed';
  for (const state of states as ClientState[]) {
    assert.ok(CLIENT_TRANSITIONS[before].includes(state), `from ${before} to ${state}`);
    before = state;
  }
  assert.deepEqual(new Set(states), new Set(Object.keys(CLIENT_TRANSITIONS)));
});

test('it knows which codes are temporary, as the protocol says', () => {
  for (const code of Object.keys(CODES)) assert.equal(isPassing({ code }), mayRetry(code), code);
});

test('a token is fetched before each connection', async () => {
  let count = 0;
  const { hub, client, comeBack } = setUp({ token: async () => `token ${++count}` });
  client.open();
  await hub.settle();
  hub.cut();
  await comeBack();
  assert.deepEqual(
    hub.heardOf('hi').map(([, , { token }]) => token),
    ['token 1', 'token 2'],
  );
});

test('the ticket of the last connection is sent on the next', async () => {
  const { hub, client, comeBack } = setUp();
  client.open();
  await hub.settle();
  hub.cut();
  await comeBack();
  assert.deepEqual(
    hub.heardOf('hi').map(([, , { resume }]) => resume),
    [undefined, 'ticket'],
  );
});

test('a refused token is fetched again once; a second refusal is final', async () => {
  const { hub, client, errors, comeBack } = setUp({ token: () => 'stale' });
  hub.refuse = (message) => (message[0] === 'hi' ? ['err', message[1], 'UNAUTHORIZED', 'no'] : undefined);
  const answer = client.call('anything', null, { timeout: 60_000 });
  const loop = client.subscribe('chat:42')[Symbol.asyncIterator]();
  const published = client.publish('chat:42', 1);
  await hub.settle();
  assert.equal(client.state, 'waiting');
  await Promise.all([
    assert.rejects(answer, withCode('UNAUTHORIZED')),
    assert.rejects(published, withCode('UNAUTHORIZED')),
    assert.rejects(loop.next(), withCode('UNAUTHORIZED')),
    comeBack(),
  ]);
  assert.equal(client.state, 'closed');
  assert.equal(errors.filter(withCode('UNAUTHORIZED')).length, 1);
  assert.equal(hub.heardOf('hi').length, 2);
});

test('a token that cannot be fetched is an error, and is fetched again after the pause', async () => {
  let fails = true;
  const { hub, client, errors, comeBack } = setUp({
    token: () => {
      if (fails) throw new Error('no network');
      return 'fresh';
    },
  });
  client.open();
  await hub.settle();
  assert.equal(client.state, 'waiting');
  assert.equal(errors[0]?.message, 'no network');
  fails = false;
  await comeBack();
  assert.equal(client.state, 'open');
});

test('a refusal followed by `bye` counts once', async () => {
  let count = 0;
  const { hub, client, comeBack } = setUp({ token: () => `token ${++count}` });
  hub.refuse = (message) => {
    if (message[0] !== 'hi' || count > 1) return undefined;
    hub.line.say(['err', message[1], 'UNAUTHORIZED', 'expired']);
    return ['bye', 'UNAUTHORIZED', {}];
  };
  client.open();
  await hub.settle();
  assert.equal(client.state, 'waiting');
  await comeBack();
  assert.equal(client.state, 'open');
});

test('a server that did not wait for the token is tried again', async () => {
  const tokens: ((token: string) => void)[] = [];
  const { hub, client, comeBack } = setUp({ token: () => new Promise((resolve) => tokens.push(resolve)) });
  client.open();
  await hub.settle();
  hub.line.say(['bye', 'HI_FIRST', {}]);
  await hub.settle();
  await comeBack();
  tokens[1]!('in time');
  await hub.settle();
  assert.equal(client.state, 'open');
});

test('a connection lost during the renewal of the token loses no request', async () => {
  const { hub, client, comeBack } = setUp({ token: () => 'fresh' });
  client.open();
  await hub.settle();
  hub.refuse = (message) => {
    if (message[0] === 'auth') return null;
    const isRefused = hub.lines.length === 1 && ['call', 'sub', 'pub'].includes(message[0] as string);
    return isRefused ? ['err', message[1] as number, 'UNAUTHORIZED', 'expired'] : undefined;
  };
  const answer = client.call('add', 1, { timeout: 60_000 });
  const chat = client.subscribe('chat:42');
  const published = chat.publish('hola');
  await hub.settle();
  hub.cut();
  await comeBack();
  assert.deepEqual(await answer, { method: 'add', data: 1 });
  assert.deepEqual(await published, ['e1', 1]);
  assert.equal(chat.state, 'live');
});

test('an invalid address is refused at once, and leaves nothing behind', () => {
  const { client, clock } = setUp({
    WebSocket: class extends WebSocket {
      constructor() {
        super('no address');
      }
    },
  });
  assert.throws(() => client.subscribe('chat:42'), { name: 'SyntaxError' });
  assert.equal(client.state, 'closed');
  assert.equal(clock.pending, 0);
});

test('a token that arrives after its connection was lost is not sent on another', async () => {
  const tokens: ((token: string) => void)[] = [];
  const { hub, client, comeBack } = setUp({ token: () => new Promise((resolve) => tokens.push(resolve)) });
  client.open();
  await hub.settle();
  hub.cut();
  await comeBack();
  tokens[0]!('late');
  await hub.settle();
  assert.deepEqual(hub.line.sent, []);
  tokens[1]!('in time');
  await hub.settle();
  assert.equal(client.state, 'open');
  assert.equal(hub.heardOf('hi').length, 1);
});

test('a server that does not speak the protocol is sent nothing', async () => {
  const { hub, client, errors } = setUp();
  client.subscribe('chat:42');
  hub.line.protocol = '';
  await hub.settle();
  assert.deepEqual(hub.line.sent, []);
  assert.equal(client.state, 'closed');
  assert.ok(withCode('NOT_OFFERED')(errors[0]));
});

test('a call that is refused for the token is repeated with a new one', async () => {
  let count = 0;
  const { hub, client } = setUp({ token: () => `token ${++count}` });
  let refused = false;
  hub.refuse = (message) => {
    if (message[0] !== 'call' || refused) return undefined;
    refused = true;
    return ['err', message[1], 'UNAUTHORIZED', 'expired'];
  };
  const answer = client.call('add', 1);
  await hub.settle();
  assert.deepEqual(await answer, { method: 'add', data: 1 });
  assert.deepEqual(
    hub.heardOf('auth').map(([, , token]) => token),
    ['token 2'],
  );
});

test("a call rejects with the server's code, and a method's own codes are passed on", async () => {
  const { hub, client } = setUp();
  hub.refuse = (message) => (message[0] === 'call' ? ['err', message[1], 'SOLD_OUT', 'no seats', 250] : undefined);
  const answer = client.call('book');
  await Promise.all([assert.rejects(answer, { code: 'SOLD_OUT', message: 'no seats', retryAfter: 250 }), hub.settle()]);
});

test('a call that is not answered in time is rejected, and a late answer changes nothing', async () => {
  const { clock, hub, client } = setUp();
  hub.refuse = (message) => (message[0] === 'call' ? null : undefined);
  const answer = client.call('slow', null, { timeout: 3_000 });
  await hub.settle();
  const [, id] = hub.heardOf('call')[0]!;
  clock.advance(3_000);
  await assert.rejects(answer, withCode('TIMEOUT'));
  hub.line.say(['ok', id, 'late']);
  await hub.settle();
  assert.equal(client.state, 'open');
});

test('a call times out while there is no connection too', async () => {
  const { clock, hub, client } = setUp();
  hub.accepts = false;
  const answer = client.call('add');
  clock.advance(10_000);
  await assert.rejects(answer, withCode('TIMEOUT'));
  hub.accepts = true;
  clock.advance(client.retryIn);
  await hub.settle();
  assert.equal(hub.heardOf('call').length, 0);
});

test('a call without a time limit is answered whenever the server does', async () => {
  for (const timeout of [0, Infinity]) {
    const { clock, hub, client } = setUp();
    hub.refuse = (message) => (message[0] === 'call' ? null : undefined);
    const call = client.call('slow', null, { timeout });
    await hub.settle();
    for (let step = 0; step < 30; step++) {
      clock.advance(2_500);
      await hub.settle();
    }
    const [, id] = hub.heardOf('call')[0]!;
    hub.line.say(['ok', id, 'at last']);
    await hub.settle();
    assert.deepEqual([await call, hub.heardOf('call').length], ['at last', 1]);
    client.close();
    assert.equal(clock.pending, 0);
  }
});

test('a call whose connection is lost is not repeated', async () => {
  const { hub, client, comeBack } = setUp();
  hub.refuse = (message) => (message[0] === 'call' ? null : undefined);
  const answer = client.call('pay');
  await hub.settle();
  hub.cut();
  await assert.rejects(answer, withCode('CONNECTION_LOST'));
  await comeBack();
  assert.equal(hub.heardOf('call').length, 1);
});

test('a ping is answered', async () => {
  const { hub, client } = setUp();
  client.open();
  await hub.settle();
  hub.line.say([]);
  await hub.settle();
  assert.equal(hub.line.sent.at(-1), '[1]');
});

test('a silent connection is checked, and abandoned without an answer', async () => {
  const { clock, hub, client } = setUp();
  client.open();
  await hub.settle();
  clock.advance(25_000);
  assert.ok(!hub.line.sent.includes('[]'), 'it is not checked before its time');
  clock.advance(5_000);
  assert.equal(hub.line.sent.at(-1), '[]');
  await hub.settle();
  clock.advance(5_000);
  assert.equal(client.state, 'open');
  clock.advance(29_999);
  assert.equal(client.state, 'open');
  clock.advance(1);
  assert.equal(client.state, 'waiting');
});

test('after sleep, and when the network changes, the connection is checked at once', async () => {
  const { hub, network, client, clock } = setUp();
  client.open();
  await hub.settle();
  for (const event of ['online', 'offline', 'pageshow']) {
    hub.line.sent.length = 0;
    network.dispatchEvent(new Event(event));
    assert.deepEqual(hub.line.sent, ['[]'], event);
    await hub.settle();
  }
  hub.line.sent.length = 0;
  clock.sleep(3_600_000);
  clock.advance(5_000);
  assert.deepEqual(hub.line.sent, ['[]']);
  clock.advance(3_000);
  assert.equal(client.state, 'waiting');
});

test('a pause ends when the network returns', async () => {
  const { hub, network, client } = setUp();
  client.open();
  await hub.settle();
  hub.cut();
  assert.equal(client.state, 'waiting');
  network.dispatchEvent(new Event('online'));
  assert.equal(client.state, 'connecting');
});

test('a closed client leaves nothing behind', async () => {
  const { clock, hub, network, client } = setUp();
  client.subscribe('chat:42');
  await hub.settle();
  client.close();
  assert.equal(clock.pending, 0);
  assert.equal(hub.line.closedWith, 1000);
  network.dispatchEvent(new Event('online'));
  assert.equal(client.state, 'closed');
});

test("`bye` is followed: the server's pause, with jitter added", async () => {
  const { clock, hub, client } = setUp();
  client.open();
  await hub.settle();
  hub.line.say(['bye', 'SHUTTING_DOWN', { after: 4_000, ticket: 'for later' }]);
  await hub.settle();
  assert.equal(client.retryIn, 4_250);
  clock.advance(4_249);
  assert.equal(client.state, 'waiting');
  clock.advance(1);
  await hub.settle();
  assert.equal(client.state, 'open');
  assert.equal(hub.heardOf('hi').at(-1)?.[2].resume, 'for later');
});

test('`bye` without a pause is final, and gives the reason', async () => {
  const { hub, client, errors } = setUp();
  const chat = client.subscribe('chat:42');
  await hub.settle();
  hub.line.say(['bye', 'REPLACED', {}]);
  await hub.settle();
  assert.equal(client.state, 'closed');
  assert.ok(withCode('REPLACED')(errors[0]));
  assert.equal(chat.state, 'ended');
});

test('a server that accepts and then refuses is tried at growing intervals', async () => {
  const { hub, client, comeBack } = setUp();
  hub.refuse = (message) => (message[0] === 'hi' ? ['err', message[1], 'UNAVAILABLE', 'not now'] : undefined);
  client.open();
  await hub.settle();
  const pauses: number[] = [];
  for (let round = 0; round < 4; round++) {
    pauses.push(client.retryIn);
    await comeBack();
  }
  assert.deepEqual(pauses, [250, 500, 1_000, 2_000]);
});

test('a request that is never answered shows that the connection is dead', async () => {
  const { clock, hub, client } = setUp();
  client.subscribe('chat:42');
  hub.refuse = (message) => (message[0] === 'sub' ? null : undefined);
  await hub.settle();
  clock.advance(15_000);
  assert.equal(client.state, 'connecting');
});

test('an invalid line from the server does not affect others', async () => {
  const { hub, client, errors } = setUp();
  const messages: unknown[] = [];
  client.on('message', (message) => messages.push(message));
  client.open();
  await hub.settle();
  hub.line.tell('nonsense\n["new-verb",1,2]\n{"an":"object"}\n["m",99,1,"nobody"]\n["to","me"]\n');
  assert.deepEqual(messages, ['me']);
  assert.equal(errors.length, 1);
  assert.equal(client.state, 'open');
});

test('a missing feature of the platform is reported at once', () => {
  const { WebSocket } = globalThis;
  Reflect.deleteProperty(globalThis, 'WebSocket');
  try {
    assert.throws(() => new Client('ws://hub/'), withCode('UNAVAILABLE'));
  } finally {
    globalThis.WebSocket = WebSocket;
  }
});
