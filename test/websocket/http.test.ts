import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer, get as getSecurely } from 'node:https';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { connectWebSocket, type ServerOptions } from '../../src/websocket/index.ts';
import { dial, type Fields, readHead, request } from '../conformance/handshake.ts';
import { makeCertificate } from '../support/certificate.ts';
import * as foreign from '../support/foreign-promises.ts';
import { missing } from '../support/need.ts';
import { portOf, RawClient } from '../support/raw-client.ts';
import { Recorder, take } from '../support/recorder.ts';
import { turn } from '../support/turn.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

type OnRequest = NonNullable<ServerOptions['onRequest']>;

/** Answers with what came: method, target, host and body. */
const mirror: OnRequest = (asked, response) => {
  const parts: Buffer[] = [];
  asked.on('data', (part: Buffer) => parts.push(part));
  asked.on('end', () => response.end(`${asked.method} ${asked.url} ${asked.headers.host} ${Buffer.concat(parts)}`));
};

/** The port of a server of Zócalo's own, and of one that somebody else made and Zócalo is attached to. */
const SERVERS: [string, (t: TestContext) => Promise<number>][] = [
  ['a server of our own', async (t) => portOf((await Recorder.listen(t, { onRequest: mirror })).url)],
  ['a server that we are attached to', async (t) => (await attached(t)).port],
  [
    'a server that we are attached to, of a Node that hands over every upgrade',
    async (t) => {
      const { port, http } = await attached(t);
      // What Node did before 22.21 and 24.9.
      Object.assign(http, { shouldUpgradeCallback: () => true });
      return port;
    },
  ],
];

async function attached(t: TestContext) {
  const http = createServer(mirror).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close().closeAllConnections());
  const server = await Recorder.listen(t, {}, { server: http });
  server.message = (user, message) => user.send(message);
  return { http, server, port: (http.address() as { port: number }).port };
}

/** What a server answers to each of `texts` before the next is sent, until it ends the connection. */
async function ask(port: number, ...texts: string[]): Promise<string> {
  const socket = await dial(port);
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
    const text = texts.shift();
    if (text) socket.write(text);
  });
  socket.write(texts.shift()!);
  await once(socket, 'close');
  return said;
}

const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);
const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';

// From Node 25 on, the socket of an upgrade with a body is another stream: that cannot be played.
if (Number.parseInt(process.versions.node, 10) > 24) SERVERS.pop();

for (const [kind, open] of SERVERS) {
  test(`${kind} answers a request that offers another protocol as if it offered none`, async (t) => {
    const port = await open(t);
    const next = 'GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const get = await ask(port, `GET /page?q HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`, next);
    assert.match(get, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(get, /GET \/page\?q x .*GET \/next x $/s);
    const post = `POST /page HTTP/1.1\r\nHost: x\r\n${H2C}Content-Length: 4\r\n\r\nhola`;
    assert.match(await ask(port, post, next), /POST \/page x hola.*GET \/next x $/s);
  });

  test(`${kind} ignores an upgrade over HTTP/1.0, and one to a protocol that only has websocket in its name`, async (t) => {
    const port = await open(t);
    const fields =
      'Host: x\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    assert.match(bodyOf(await ask(port, `GET /old HTTP/1.0\r\nUpgrade: websocket\r\n${fields}\r\n`)), /GET \/old x /);
    const other = `GET /x HTTP/1.1\r\nUpgrade: x-websocket, websocket-2\r\n${fields}\r\n`;
    const close = 'GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    assert.match(await ask(port, other, close), /GET \/x x .*GET \/end x $/s);
  });

  test(`${kind} accepts a WebSocket from a list of protocols, in any case`, async (t) => {
    const port = await open(t);
    for (const upgrade of ['h2c, WebSocket', 'websocket,h2c', 'WEBSOCKET']) {
      const socket = await dial(port);
      socket.write(request({ Upgrade: upgrade, Connection: 'keep-alive, upgrade' }));
      assert.match((await readHead(socket))!.line, / 101 /);
      socket.destroy();
    }
  });

  test(`curl --http2 gets its page from ${kind}`, { skip: missing('curl') }, async (t) => {
    const port = await open(t);
    const { stdout } = await run('curl', ['-sS', '--http2', '-d', 'hola', `http://127.0.0.1:${port}/page`]);
    assert.equal(stdout, `POST /page 127.0.0.1:${port} hola`);
  });
}

test('a page over TLS is served to clients that also offer h2c, on a server that we are attached to', {
  skip: missing('openssl'),
}, async (t) => {
  const http = createSecureServer(makeCertificate(), mirror).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close().closeAllConnections());
  await Recorder.listen(t, {}, { server: http });
  const { port } = http.address() as { port: number };
  for (const old of [false, true]) {
    if (old) Object.assign(http, { shouldUpgradeCallback: () => true });
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    const [answer] = (await once(
      getSecurely({ port, path: '/page', headers, rejectUnauthorized: false, agent: false }),
      'response',
    )) as [IncomingMessage];
    assert.equal(answer.statusCode, 200);
    answer.destroy();
  }
});

test('detaching leaves the server as it was', async (t) => {
  const { http, server, port } = await attached(t);
  await server.close();
  http.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 299 Theirs\r\nContent-Length: 0\r\n\r\n'));
  assert.match(await ask(port, `GET / HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`), / 299 Theirs/);
});

test('another listener gets the upgrades that are not for WebSockets', async (t) => {
  const { http, port } = await attached(t);
  http.on('upgrade', (asked, socket) => {
    if (asked.headers.upgrade === 'h2c') socket.end('HTTP/1.1 299 Theirs\r\nContent-Length: 0\r\n\r\n');
  });
  assert.match(await ask(port, `GET / HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`), / 299 Theirs/);
  assert.deepEqual(await echo(port, 'hola'), ['hola']);
});

async function echo(port: number, text: string) {
  const client = await connectWebSocket(`ws://127.0.0.1:${port}`);
  client.send(text);
  const answer = await take(client, 1);
  client.close();
  return answer;
}

test('a handshake with a body is refused, since its bytes would be parsed as frames', async (t) => {
  const server = await Recorder.listen(t);
  for (const fields of [{ 'Content-Length': '7' }, { 'Transfer-Encoding': 'chunked' }] as Fields[]) {
    const socket = await dial(portOf(server.url));
    socket.write(`${request(fields)}\x81\x80....`);
    assert.match((await readHead(socket))!.line, / 400 /);
    socket.destroy();
  }
});

test('a target in absolute-form names the path, the query and the host, for handshakes and for pages', async (t) => {
  const server = await Recorder.listen(t, { onRequest: mirror, hosts: ['chat.example'] });
  const asked: (string | undefined)[][] = [];
  server.upgrade = ({ url, path, headers }) => {
    asked.push([url, path, headers.host]);
  };
  for (const target of [
    'http://chat.example/plaza?x=1',
    'ws://chat.example:80/plaza?x=1',
    'HTTP://chat.example/plaza?x=1',
  ])
    assert.match((await RawClient.open(server.url, { line: `GET ${target} HTTP/1.1` })).head.line, / 101 /);
  assert.deepEqual(asked, [
    ['/plaza?x=1', '/plaza', 'chat.example'],
    ['/plaza?x=1', '/plaza', 'chat.example:80'],
    ['/plaza?x=1', '/plaza', 'chat.example'],
  ]);
  const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: ignored\r\nConnection: close\r\n\r\n`;
  const port = portOf(server.url);
  assert.equal(bodyOf(await ask(port, get('http://chat.example/plaza?x=1'))), 'GET /plaza?x=1 chat.example ');
  assert.equal(bodyOf(await ask(port, get('http://chat.example?x=1'))), 'GET /?x=1 chat.example ');
  assert.equal(bodyOf(await ask(port, get('http://chat.example'))), 'GET / chat.example ');
});

test('a target in absolute-form finds the server that is attached to its path', async (t) => {
  const http = createServer(mirror).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => http.close().closeAllConnections());
  const server = await Recorder.listen(t, {}, { server: http, path: '/ours' });
  const { port } = http.address() as { port: number };
  const raw = await RawClient.open(`ws://127.0.0.1:${port}`, { line: 'GET http://x/ours?q HTTP/1.1' });
  assert.match(raw.head.line, / 101 /);
  assert.equal(server.users.size, 1);
});

test('a target without a path is refused, and OPTIONS * is left to the program', async (t) => {
  const server = await Recorder.listen(t, { onRequest: mirror });
  const port = portOf(server.url);
  for (const target of ['*', 'http://user@x/plaza', 'http:///plaza', 'x:80']) {
    assert.match(await ask(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 400 /);
    const socket = await dial(port);
    socket.write(request({}, `GET ${target} HTTP/1.1`));
    assert.match((await readHead(socket))!.line, / 400 /, target);
    socket.destroy();
  }
  assert.equal(server.users.size, 0);
  assert.equal(bodyOf(await ask(port, 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')), 'OPTIONS * x ');
});

test('a request with a body has more time than a handshake', async (t) => {
  const server = await Recorder.listen(t, { onRequest: mirror, handshakeTimeout: 200 });
  const socket = await dial(portOf(server.url));
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
  });
  socket.write('POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nho');
  // A handshake that began after it is over time before it is done.
  const late = await dial(portOf(server.url));
  const head = readHead(late);
  late.write('GET / HTTP/1.1\r\n');
  assert.match((await head)!.line, / 408 /);
  socket.write('la');
  await once(socket, 'close');
  assert.equal(bodyOf(said), 'POST /upload x hola');
  late.destroy();
});

test('a request that is not complete after requestTimeout is answered 408', async (t) => {
  const server = await Recorder.listen(t, { onRequest: mirror, handshakeTimeout: 200, requestTimeout: 250 });
  const head = 'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n';
  assert.match(await ask(portOf(server.url), `${head}ho`), /^HTTP\/1\.1 408 /);
});

test('a failing onRequest is answered 500 and reported to onError, for any kind of promise', async (t) => {
  const failures: OnRequest[] = [
    () => assert.fail('thrown'),
    async () => assert.fail('rejected'),
    () => foreign.rejected(new Error('rejected in another realm')),
    () => foreign.query(() => assert.fail('rejected by a query')),
  ];
  let fail = failures[0]!;
  const server = await Recorder.listen(t, { onRequest: (asked, response) => fail(asked, response) });
  for (const each of failures) {
    fail = each;
    const answer = await fetch(server.url.replace('ws', 'http'));
    assert.equal(answer.status, 500);
    await answer.text();
  }
  assert.deepEqual(
    server.errors.map(({ code }) => code),
    Array(failures.length).fill('HOOK_FAILED'),
  );
});

test('16 requests of one connection run at a time; the rest is not read yet, and answered in order', async (t) => {
  const open: (() => void)[] = [];
  let most = 0;
  const server = await Recorder.listen(t, {
    onRequest: (asked, response) => {
      open.push(() => response.end(`${asked.url};`));
      most = Math.max(most, open.length);
    },
  });
  const socket = await dial(portOf(server.url));
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
  });
  const count = 40_000;
  const targets = Array.from({ length: count }, (_, i) => `/${i}`);
  socket.write(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
  await until(() => open.length >= 16, 'sixteen are asked');
  for (let i = 0; i < 100; i++) await turn();
  assert.equal(open.length, 16);
  for (let answered = 0; answered < count; ) {
    const now = open.splice(0);
    for (const answer of now.reverse()) answer();
    answered += now.length;
    await turn();
  }
  await until(() => said.includes(`/${count - 1};`), 'the last is answered');
  assert.deepEqual(said.match(/\/\d+(?=;)/g), targets);
  assert.equal(most, 16);
  socket.destroy();
});

test('a client that pipelines does not delay others', async (t) => {
  let answered = 0;
  const server = await Recorder.listen(t, { onRequest: (_asked, response) => void response.end(String(++answered)) });
  const socket = await dial(portOf(server.url));
  socket.resume().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20_000));
  await until(() => answered > 0, 'one is answered');
  const before = answered;
  await turn();
  assert.ok(answered - before <= 2 * 16, `${answered - before} were answered in one turn`);
  await until(() => answered >= 20_000, 'all are answered');
  socket.destroy();
});
