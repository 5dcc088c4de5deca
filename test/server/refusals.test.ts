import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { ADMIN_KEY, type ConfigInput } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { HubPeer } from './hub-peer.ts';

const CHANNELS = {
  news: {},
  'chat:*': { publish: 'everyone', presence: true },
  'staff:*': { subscribe: 'users', publish: 'users' },
  'inbox:*': { subscribe: 'granted', publish: 'granted' },
} as const;

/** A daemon, and what it answers to one request of a client that came in with a token of these rights. */
async function refusals(t: TestContext, config: ConfigInput = {}) {
  const started = await startDaemon(t, { channels: CHANNELS, chat: false, secret: 's'.repeat(40), ...config });
  const url = started.url.replace(/^http/, 'ws');
  const ask = async (line: readonly unknown[], hello: object = {}) => {
    const peer = await HubPeer.connect(t, url);
    peer.say('hi', 1, hello);
    if (line.length > 0) {
      await peer.until('ok');
      peer.say(line[0], 2, ...line.slice(1));
    }
    const [, , code, message, , reason] = await peer.until('err');
    return { code, message, reason };
  };
  const token = (rights: { subscribe?: string[]; publish?: string[]; presence?: string[] }, expiresIn = 60_000) =>
    started.daemon.auth.mint({ user: 'ana', rights, expiresIn });
  return { ...started, ask, token, ws: url };
}

test('a refusal names the missing right, or the key of the configuration that decides', async (t) => {
  const { ask, token } = await refusals(t);
  const hello = { token: await token({ subscribe: ['chat:*'] }) };
  const option = (message: string) => ({ code: 'FORBIDDEN', message, reason: 'CHANNEL_OPTION' });
  const right = (right: string) => ({
    code: 'FORBIDDEN',
    message: `you need the right ${right}, which your token's "can" (or your login) does not include`,
    reason: 'RIGHT_MISSING',
  });
  assert.deepEqual(
    await ask(['pub', 'news', 1]),
    option('channels["news"].publish is nobody: only API keys publish here'),
  );
  assert.deepEqual(
    await ask(['sub', 'staff:1']),
    option('channels["staff:*"].subscribe is users, and you are not logged in'),
  );
  assert.deepEqual(
    await ask(['sub', 'sport']),
    option('sport is not offered: no entry of the option channels matches it'),
  );
  assert.deepEqual(await ask(['sub', 'chat:1', { presence: true }], hello), right('presence:chat:1'));
  assert.deepEqual(await ask(['get', 'presence', 'chat:1'], hello), right('presence:chat:1'));
  assert.deepEqual(await ask(['pub', 'chat:1', 1], hello), right('pub:chat:1'));
  assert.deepEqual(await ask(['sub', 'news'], hello), right('sub:news'));
  assert.deepEqual(await ask(['sub', 'inbox:ana']), right('sub:inbox:ana'));
  assert.deepEqual(await ask(['sub', 'chat:*'], hello), {
    code: 'NOT_OFFERED',
    message: 'no entry of the option channels that covers chat:* has patterns: true',
    reason: 'CHANNEL_OPTION',
  });
});

test('expired, forged, revoked and missing tokens are distinguished in the refusal', async (t) => {
  const { ask, token, daemon } = await refusals(t, { auth: { anonymous: false } });
  const tell = async (hello: object) => {
    const { code, reason, message } = await ask([], hello);
    return [code, reason, message];
  };
  assert.deepEqual(await tell({}), [
    'UNAUTHORIZED',
    'NO_TOKEN',
    'no token came; anonymous users are not accepted (auth.anonymous is false)',
  ]);
  const good = await token({});
  assert.deepEqual(await tell({ token: `${good.slice(0, -4)}AAAA` }), [
    'UNAUTHORIZED',
    'TOKEN_INVALID',
    'the token is refused: its signature does not fit',
  ]);
  assert.deepEqual(await tell({ token: await token({}, -60_000) }), [
    'UNAUTHORIZED',
    'TOKEN_EXPIRED',
    'the token is refused: it has expired',
  ]);
  daemon.auth.revoke('ana');
  assert.deepEqual(await tell({ token: good }), [
    'UNAUTHORIZED',
    'TOKEN_REVOKED',
    'the token is refused: it was revoked, or its user is disabled',
  ]);
});

test('a refused call of the HTTP API says which entry of the key to change', async (t) => {
  const keys = [
    { name: 'reader', key: 'r'.repeat(40), can: ['read' as const] },
    { name: 'shop', key: 'p'.repeat(40), can: ['publish' as const], channels: ['news'] },
  ];
  const { call } = await refusals(t, { api: { keys } });
  const publish = async (channel: string, key: string) => {
    const { status, body } = await call('POST', '/api/publish', { channel, data: 1 }, key);
    return [status, body.code, body.reason, body.message];
  };
  assert.deepEqual(await publish('news', ''), [
    401,
    'UNAUTHORIZED',
    'NO_KEY',
    'an API key is needed: send Authorization: Bearer <key>, with one of api.keys',
  ]);
  assert.deepEqual(await publish('news', 'x'.repeat(40)), [
    401,
    'UNAUTHORIZED',
    'KEY_UNKNOWN',
    'the API key is not one of api.keys',
  ]);
  assert.deepEqual(await publish('news', keys[0]!.key), [
    403,
    'FORBIDDEN',
    'RIGHT_MISSING',
    'the API key may not do this: its "can" does not have publish',
  ]);
  assert.deepEqual(await publish('chat:1', keys[1]!.key), [
    403,
    'FORBIDDEN',
    'RIGHT_MISSING',
    'the API key may not publish to chat:1: its "channels" do not cover it',
  ]);
});

test('the refusal of an invalid channel name says which characters are allowed, and how the wrong one is written', async (t) => {
  const { ask, ws } = await refusals(t);
  const allowed = "A-Za-z0-9-._~!$&'()+,;=:@/% are allowed";
  for (const [name, message] of [
    ['inbox:José', `"inbox:José" is not a channel name: ${allowed}; "é" is written %C3%A9`],
    ['a b', `"a b" is not a channel name: ${allowed}; " " is written %20`],
    ['a**', `"a**" is not a channel name: ${allowed}; "*" is written %2A`],
    ['\ud800', `"\\ud800" is not a channel name: ${allowed}; "\\ud800" is written %EF%BF%BD`],
    ['$own', '"$own" begins with $, which is reserved'],
    ['x'.repeat(256), `"${'x'.repeat(24)}…" has 256 characters; a channel name has at most 255`],
    ['', 'a channel name has at least one character'],
  ]) {
    const refusal = await ask(['sub', name]);
    assert.deepEqual([refusal.code, refusal.message], ['BAD_CHANNEL', message], name);
  }
  const { message } = await ask(['pub', 'chat:*', 1]);
  assert.equal(message, '"chat:*" is a pattern, but this needs one channel');
  const plain = await connectWebSocket(`${ws}/chat%2A:*`);
  t.after(() => plain.terminate());
  const { code, reason } = await plain.closed;
  assert.equal(code, 1008);
  assert.match(reason, /^BAD_CHANNEL: the path of the URL names the channel: "chat%2A:\*" is a pattern/);
});

test('the admin page is sent each refusal with its channel and message', async (t) => {
  const { ask, url, client } = await refusals(t);
  await ask(['pub', 'news', 1]);
  const [first] = (await adminNews(url, client)).errors;
  assert.deepEqual(
    [first?.code, first?.channel, first?.message],
    ['FORBIDDEN', 'news', 'channels["news"].publish is nobody: only API keys publish here'],
  );
});

test('a refused origin appears in the log and on the admin page, with the key to change', async (t) => {
  const { ws, url, log, client } = await refusals(t, { origins: ['https://shop.example'] });
  await assert.rejects(connectWebSocket(ws, { headers: { Origin: 'https://evil.example' } }), /403/);
  const stream = await fetch(`${url}/sse?channel=news`, { headers: { origin: 'https://evil.example' } });
  const body = (await stream.json()) as { reason: string };
  assert.deepEqual([stream.status, body.reason], [403, 'ORIGIN']);
  const sentence =
    'Pages of https://evil.example may not connect; the option origins does not allow it; ' +
    'add it to the key origins, if the page is yours';
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'warn'),
    Array(2).fill({
      level: 'warn',
      fields: { reason: 'origin', address: '127.0.0.1' },
      sentence: `a connection was refused: ${sentence}`,
    }),
  );
  for (let n = 0; n < 30; n++) await fetch(`${url}/sse?channel=news`, { headers: { origin: 'https://evil.example' } });
  assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 10);
  const { errors } = await adminNews(url, client);
  assert.deepEqual([errors[0]?.message, errors[0]?.address], [sentence, '127.0.0.1']);
});

/** What the admin page is told first. */
async function adminNews(url: string, client: Awaited<ReturnType<typeof startDaemon>>['client']) {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const { token } = (await (await fetch(`${url}/admin/session`, { method: 'POST', headers })).json()) as {
    token: string;
  };
  const admin = client({ token: () => token }).subscribe('zocalo:admin');
  const { value } = await admin[Symbol.asyncIterator]().next();
  return value!.data as { errors: { channel?: string; message?: string; code: string; address?: string }[] };
}
