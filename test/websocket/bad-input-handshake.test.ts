import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectWebSocket } from '../../src/websocket/index.ts';
import * as wire from '../conformance/frame.ts';
import { dial, type Fields, readHead, request } from '../conformance/handshake.ts';
import { makeCertificate } from '../support/certificate.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Friend } from '../support/friend.ts';
import { missing } from '../support/need.ts';
import { bytesOf, portOf, RawClient } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';

for (const [what, fields, line] of [
  ['a 3 KB cookie', { Cookie: `session=${'x'.repeat(3072)}` }, undefined],
  ['a hundred headers', Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`X-${i}`, 'x'])), undefined],
  ['a colon in its path', {}, 'GET /room:42/a:b?c:d HTTP/1.1'],
  ['a whole URL for its path', {}, 'GET ws://127.0.0.1/chat HTTP/1.1'],
  ['a path that is no URL', {}, 'GET //%%?%zz=:// HTTP/1.1'],
  ['names in any case and more tokens', { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' }, undefined],
] as [string, Fields, string | undefined][])
  test(`a handshake with ${what} is accepted`, async (t) => {
    const server = await Recorder.listen(t);
    const friend = await Friend.join(server);
    const raw = await RawClient.open(server.url, { fields, ...(line ? { line } : {}) });
    assert.match(raw.head.line, / 101 /);
    raw.send(wire.text('hola'));
    await friend.hears('hola');
    const [, user] = server.users;
    assert.equal(typeof user!.request.path, 'string');
    assert.ok(user!.request.query);
  });

for (const [what, status, fields, line] of [
  ['with 20 KB of cookies', 431, { Cookie: 'x'.repeat(20_000) }],
  ['of another method', 405, {}, 'POST /chat HTTP/1.1'],
  ['in HTTP/1.0, which knows no upgrade', 426, {}, 'GET /chat HTTP/1.0'],
  ['of another version', 426, { 'Sec-WebSocket-Version': '8' }],
  ['without a version', 426, { 'Sec-WebSocket-Version': undefined }],
  ['without a key', 400, { 'Sec-WebSocket-Key': undefined }],
  ['with a short key', 400, { 'Sec-WebSocket-Key': 'AAAA' }],
  ['with two keys', 400, { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] }],
  ['without a host', 400, { Host: undefined }],
  ['with the same subprotocol twice', 400, { 'Sec-WebSocket-Protocol': 'chat, chat' }],
  ['with an empty subprotocol', 400, { 'Sec-WebSocket-Protocol': 'chat, ,x' }],
  ['from a foreign page', 403, { Origin: 'https://evil.example' }],
  ['from two pages', 403, { Origin: ['http://127.0.0.1', 'https://evil.example'] }],
  ['from a page that is no URL', 403, { Origin: 'javascript:alert(1)' }],
  ['for a host by another name', 421, { Host: 'rebound.example' }],
  ['for a host that only begins like ours', 421, { Host: '127.0.0.1.evil.example' }],
  ['for another upgrade', 426, { Upgrade: 'h2c' }],
] as [string, number, Fields, string?][])
  test(`a handshake ${what} is answered ${status}, and others are not affected`, async (t) => {
    const server = await Recorder.listen(t, { hosts: ['127.0.0.1'] });
    const friend = await Friend.join(server);
    const socket = await dial(portOf(server.url));
    const head = readHead(socket);
    socket.write(request(fields, line));
    assert.match((await head)!.line, new RegExp(` ${status} `));
    socket.destroy();
    await friend.chats();
    assert.equal(server.users.size, 1);
  });

test('a refused client that floods instead of reading is read and forgotten', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const raw = await RawClient.open(server.url, { fields: { Origin: 'https://evil.example' } });
  assert.match(raw.head.line, / 403 /);
  const flood = bytesOf(wire.binary(Buffer.alloc(1024 * 1024)));
  for (let i = 0; i < 4; i++) {
    raw.socket.write(flood);
    await friend.chats();
  }
  assert.equal(server.users.size, 1);
  raw.socket.destroy();
});

test('500 connections that never finish their handshake are cut off in time, and a good client gets in meanwhile', async (t) => {
  const server = await Recorder.listen(t, { handshakeTimeout: 300 });
  const beginning = request().slice(0, 60);
  const sockets = await Promise.all(Array.from({ length: 500 }, () => dial(portOf(server.url))));
  for (const [i, socket] of sockets.entries()) {
    socket.on('error', () => {}).resume();
    // Half of them say nothing at all.
    if (i % 2 === 0) socket.write(beginning);
  }
  await (await Friend.join(server)).chats();
  await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
  assert.equal(server.users.size, 1);
  assert.deepEqual(server.errors, []);
});

test('a handshake that takes too long is answered 408', async (t) => {
  const server = await Recorder.listen(t, { handshakeTimeout: 200 });
  const socket = await dial(portOf(server.url));
  const head = readHead(socket);
  socket.write(request().slice(0, 60));
  assert.match((await head)!.line, / 408 /);
  socket.destroy();
});

test('an onUpgrade that takes too long answers its client with 503', async (t) => {
  const server = await Recorder.listen(t, { handshakeTimeout: 200 });
  server.upgrade = () => new Promise(() => {});
  await assert.rejects(connectWebSocket(server.url), { code: 'HANDSHAKE_FAILED', message: /503/ });
  assert.equal(server.users.size, 0);
});

test('what onUpgrade has decided leaves no timer behind', async (t) => {
  const clock = new FakeClock();
  const server = await Recorder.listen(t, { clock });
  server.upgrade = async () => ({ refuse: 403 });
  const { pending } = clock;
  await assert.rejects(connectWebSocket(server.url), /403/);
  assert.equal(clock.pending, pending);
});

test('a client that disconnects while onUpgrade decides does not become a user', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const { asked, accept } = server.holdUpgrade();
  const socket = await dial(portOf(server.url));
  socket.write(request());
  await asked;
  socket.resetAndDestroy();
  await friend.chats();
  await friend.chats();
  accept();
  await friend.chats();
  assert.equal(server.users.size, 1);
});

test('a burst of 1,000 connects is accepted completely', async (t) => {
  const server = await Recorder.listen(t);
  const friend = await Friend.join(server);
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const answers = Array.from({ length: 1000 }, () => {
    const socket = connect(portOf(server.url), '127.0.0.1');
    sockets.push(socket);
    const head = readHead(socket);
    socket.write(request());
    return head;
  });
  await friend.chats();
  for (const head of await Promise.all(answers)) assert.match(head!.line, / 101 /);
  assert.equal(server.users.size, 1001);
  await friend.chats();
});

test('a silent client on a wss:// port is cut off after handshakeTimeout', {
  skip: missing('openssl'),
}, async (t) => {
  const tls = makeCertificate();
  const server = await Recorder.listen(t, { handshakeTimeout: 300, tls }, 'wss://127.0.0.1:0');
  const silent = await dial(portOf(server.url));
  const noise = await dial(portOf(server.url));
  noise.write('GET / HTTP/1.1\r\n\r\n');
  await Promise.all([silent, noise].map((socket) => once(socket.on('error', () => {}).resume(), 'close')));
  const client = await connectWebSocket(server.url, { tls: { ca: tls.cert } });
  server.message = (user, message) => user.send(message);
  client.send('x'.repeat(300_000));
  const { value } = await client[Symbol.asyncIterator]().next();
  assert.equal(value.length, 300_000);
  client.close();
  assert.equal((await client.closed).code, 1000);
});

test('at the limit of open files new clients are refused for a while, existing users continue, and then it recovers', async (t) => {
  const program = fileURLToPath(new URL('../support/echo-program.ts', import.meta.url));
  const child = spawn('sh', ['-c', `ulimit -n 60; exec "${process.execPath}" "${program}"`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const url = (await lines.next()).value as string;
  const old = await connectWebSocket(url);
  const messages = old[Symbol.asyncIterator]();
  const chats = async (word: string) => {
    old.send(word);
    assert.equal((await messages.next()).value, word);
  };
  const sockets = Array.from({ length: 100 }, () =>
    connect(portOf(url), '127.0.0.1')
      .on('error', () => {})
      .resume(),
  );
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  // There is no room for all of them: some are cut off, or not accepted.
  await chats('while they come');
  await chats('while they are there');
  const refused = await connectWebSocket(url, { timeout: 500 }).then(
    () => false,
    () => true,
  );
  assert.equal(refused, true);
  await chats('after one was refused');
  for (const socket of sockets) socket.destroy();
  for (;;) {
    const recovered = await connectWebSocket(url, { timeout: 500 }).catch(() => null);
    await chats('while it recovers');
    if (!recovered) continue;
    recovered.close();
    break;
  }
  old.close();
  assert.equal((await old.closed).code, 1000);
});
