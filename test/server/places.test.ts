import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request as open } from 'node:http';
import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { Users } from '../../src/server/auth/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { zocaloIn } from '../support/cli.ts';
import { API_KEY } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { directoryWith, load, mistakes, SECRET } from './config/support.ts';

const NAMED = { hosts: ['live.example.org', '*.live.example.org'] };

/** The status and body of one request with these headers. */
async function ask(url: string, headers: Record<string, string>, method = 'GET', body?: string) {
  const request = open(url, { headers, method, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.headers['content-type']?.startsWith('text/event-stream')) {
    request.on('error', () => {}).destroy();
    return { status: response.statusCode, body: '' };
  }
  return { status: response.statusCode, body: await text(response) };
}

const EVERYWHERE = [
  ...['/', '/admin', '/admin/session', '/zocalo.js', '/no-such-page', '/metrics', '/health', '/ready'],
  ...['/api/whoami', '/api/publish', '/api/openapi.json', '/api/nothing', '/sse?channel=news'],
];

test('every request for a foreign host name is answered 421: a page, the API, metrics, an event stream or a WebSocket', async (t) => {
  const { url, call } = await startDaemon(t, NAMED);
  const authorization = `Bearer ${API_KEY}`;
  for (const path of EVERYWHERE)
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { status, body } = await ask(url + path, { host: 'evil.example', authorization }, method);
      assert.deepEqual(
        [status, body],
        [421, 'This server is not evil.example; its option hosts does not name it\n'],
        path,
      );
    }
  const headers = { Host: 'evil.example', Origin: 'http://evil.example' };
  await assert.rejects(connectWebSocket(url.replace('http', 'ws'), { headers }), /421/);
  const metrics = await fetch(`${url}/metrics`, { headers: { authorization } });
  assert.match(await metrics.text(), /handshakes_refused_total\{reason="host"\} 40/);
  assert.equal((await call('GET', '/api/whoami')).status, 200);
});

test('the daemon is still reached by its names, its address and localhost', async (t) => {
  const { url } = await startDaemon(t, NAMED);
  for (const host of ['live.example.org', 'LIVE.example.org:443', 'a.live.example.org', '10.0.0.7:9000', 'localhost'])
    for (const path of ['/', '/health', '/api/whoami', '/sse?channel=news'])
      assert.equal((await ask(url + path, { host })).status, 200, `${path} of ${host}`);
});

test('a health check in HTTP/1.0 without a Host is answered', async (t) => {
  const { url } = await startDaemon(t, NAMED);
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
  socket.end('GET /health HTTP/1.0\r\n\r\n');
  assert.match(await text(socket), /^HTTP\/1\.1 200 /);
});

test('the host in the request target takes precedence over the header Host', async (t) => {
  const { url } = await startDaemon(t, NAMED);
  const statusOf = async (target: string, host: string) => {
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
    socket.end(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    return (await text(socket)).slice(9, 12);
  };
  assert.equal(await statusOf('http://evil.example/health', 'live.example.org'), '421');
  assert.equal(await statusOf('http://live.example.org/health', 'evil.example'), '200');
});

/** A daemon in which Natalia can log in, and how she does from a page. */
async function withLogin(t: TestContext, input: Parameters<typeof startDaemon>[1] = {}) {
  const file = `${directoryWith(t)}/users.db`;
  const users = new Users(file);
  await users.open();
  await users.add('natalia', 'correct horse');
  users.close();
  const { url } = await startDaemon(t, { secret: SECRET, auth: { login: { users: file } }, ...input });
  return async (headers: Record<string, string>) => {
    const body = JSON.stringify({ user: 'natalia', password: 'correct horse' });
    const answer = await ask(`${url}/api/login`, headers, 'POST', body);
    return { status: answer.status, body: JSON.parse(answer.body) };
  };
}

test('pages of other hosts may not log in, unless origins or api.cors names them', async (t) => {
  const logIn = await withLogin(t, { origins: ['https://app.example'], api: { cors: ['https://*.partner.example/'] } });
  const host = 'chat.example.org';
  for (const origin of ['https://app.example', 'https://eu.partner.example', `https://${host}`, `https://${host}:443`])
    assert.equal((await logIn({ host, origin })).status, 200, origin);
  assert.equal((await logIn({ host })).status, 200, 'a program');
  for (const origin of ['https://evil.example', 'null', 'https://partner.example']) {
    const { status, body } = await logIn({ host, origin });
    assert.deepEqual([status, body.code], [403, 'FORBIDDEN']);
    assert.ok(body.message.includes(`${origin} may not log in: neither origins nor api.cors`), body.message);
  }
});

test('an origin of api.cors is normalised, and may have a star', async (t) => {
  const { url } = await startDaemon(t, { api: { cors: ['HTTPS://Shop.example:443/', 'https://*.shop.example'] } });
  const allowed = async (origin: string) =>
    (await fetch(`${url}/api/whoami`, { headers: { origin } })).headers.get('access-control-allow-origin');
  for (const origin of ['https://shop.example', 'https://eu.shop.example']) assert.equal(await allowed(origin), origin);
  assert.equal(await allowed('https://evil-shop.example'), null);
  const any = await startDaemon(t, { api: { cors: ['*'] } });
  const response = await fetch(`${any.url}/api/whoami`, { headers: { origin: 'https://any.example' } });
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
});

test('an entry that no page or host can match is refused with its key, its place and what to write instead', async (t) => {
  const yaml = `origins:
  - example.org
  - wss://chat.example.org
hosts: https://chat.example.org
api:
  cors: [https://shop.example/api]
`;
  assert.deepEqual(await mistakes(t, yaml), [
    'zocalo.config.yaml:2: origins[0] must be the origin of a page, not "example.org": write https://example.org',
    'zocalo.config.yaml:3: origins[1] must be the origin of a page, not "wss://chat.example.org": write https://chat.example.org',
    'zocalo.config.yaml:4: hosts must be a host name of this server, not "https://chat.example.org": write chat.example.org',
    'zocalo.config.yaml:6: api.cors[0] must be the origin of a page, not "https://shop.example/api": write https://shop.example',
  ]);
  assert.match((await mistakes(t, 'hosts: []'))[0]!, /hosts must name one host at least/);
});

const login = 'handlers: {a: {events: [connect],';
for (const [yaml, sentence] of [
  [
    'sources: {square: {lines: tcp://127.0.0.1:1337, channel: zocalo:admin}}',
    "sources.square.channel is one of the daemon's own channels",
  ],
  [`api: {keys: [{name: php, key: ${'ñ'.repeat(40)}}]}`, 'api.keys[0].key must have 32 characters or more, letters'],
  [`api: {keys: [{name: php, key: ${'two words '.repeat(5)}x}]}`, 'api.keys[0].key must have 32 characters or more'],
  [`${login} url: "https://example.org/", headers: [Host]}}`, 'handlers.a.headers[0] must be a header that can be'],
  [`${login} url: "https://*.example.org/"}}`, 'handlers.a.url must be an address like'],
  [`${login} url: "http://127.0.0.1:0/"}}`, 'handlers.a.url must be an address like'],
  ['listen: http://*:9000', 'listen must be an address like'],
  ['tls: [{cert: a, key: b, names: [10.0.0.7]}]', 'tls[0].names[0] must be a host name'],
  ['limits: {maxMessage: 0}', 'limits.maxMessage must be from 1000 to 256MiB'],
  ['limits: {bytesPerSecond: 0}', 'limits.bytesPerSecond must be 1KiB or more'],
  ['limits: {queue: 99999999GiB}', 'limits.queue must be 0 or more, and a number that can be kept'],
  ['api: {maxBody: 1GiB}', 'api.maxBody must be from 1000 to 256MiB'],
  ['channels: {news: {maxData: 0}}', 'channels.news.maxData must be from 1 to 256MiB'],
] as const)
  test(`a value that could never work is refused by its key: ${yaml}`, async (t) => {
    const said = await mistakes(t, yaml);
    assert.ok(said[0]?.startsWith(`zocalo.config.yaml:1: ${sentence}`), said.join('\n'));
  });

test('capitals in an address do not matter', async (t) => {
  const { config } = await load(
    t,
    `listen: HTTP://LOCALHOST:9000/
tls: []
webhooks: [{url: "HTTPS://Example.org/Hook", secret: ${SECRET}}]
`,
  );
  assert.equal(config.listen, 'http://localhost:9000/');
  assert.equal(config.webhooks[0]!.url, 'https://example.org/Hook');
});

test('the doctor reports a configuration whose origins or hosts match nothing', async (t) => {
  const cwd = directoryWith(t, { 'zocalo.config.yaml': 'origins: [chat.example.org]' });
  const program = zocaloIn(cwd, ['doctor']);
  assert.equal(await program.exited, 2);
  assert.match(program.stderr, /origins\[0\] must be the origin of a page, .*: write https:\/\/chat\.example\.org/);
});
