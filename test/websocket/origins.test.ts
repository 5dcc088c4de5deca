import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import type { ZocaloError } from '../../src/errors.ts';
import { connectWebSocket, Hosts, Origins } from '../../src/websocket/index.ts';
import { Recorder } from '../support/recorder.ts';

/** The error names what was refused, and says what to write. */
function isRefused(value: string, advice: string) {
  return ({ code, message }: ZocaloError) => {
    assert.equal(code, 'BAD_OPTION');
    assert.ok(message.includes(` has ${JSON.stringify(value)}, `) && message.includes(`; ${advice}`), message);
    return true;
  };
}

for (const [origins, page, allowed] of [
  ['https://example.org', 'https://example.org', true],
  [['https://example.org'], 'http://example.org', false],
  [['https://example.org/'], 'https://example.org', true],
  [['HTTPS://Example.ORG'], 'https://example.org', true],
  [['https://example.org:443'], 'https://example.org', true],
  [['http://example.org:80'], 'http://example.org', true],
  [['https://example.org:80'], 'https://example.org', false],
  [['https://example.org:8443'], 'https://example.org:8443', true],
  [['https://example.org'], 'https://example.org:8443', false],
  [['https://example.org'], 'https://example.org:443', true],
  [['https://bücher.example'], 'https://xn--bcher-kva.example', true],
  [['http://[::0:1]:3000'], 'http://[::1]:3000', true],
  [['*'], 'https://any.example', true],
  [['https://example.org', '*'], 'null', true],
  [['same'], 'https://example.org', false],
  [['null'], 'null', true],
  [['file://'], 'file://', true],
  [['capacitor://localhost'], 'capacitor://localhost', true],
  [['chrome-extension://abcdefghijklmnop'], 'chrome-extension://abcdefghijklmnop', true],
  [['https://*.example.org'], 'https://a.example.org', true],
  [['https://*.example.org'], 'https://a.b.example.org', true],
  [['https://*.EXAMPLE.org:443/'], 'https://a.example.org', true],
  [['https://*.example.org'], 'https://example.org', false],
  [['https://*.example.org'], 'https://.example.org', false],
  [['https://*.example.org'], 'https://evilexample.org', false],
  [['https://*.example.org'], 'https://a.example.org.evil.example', false],
  [['https://*.example.org'], 'http://a.example.org', false],
  [['https://*.example.org'], 'https://a.example.org:8443', false],
  [['https://*.example.org:*'], 'https://a.example.org:8443', true],
  [['https://example.org:*'], 'https://example.org', true],
  [['https://example.org:*'], 'https://a.example.org', false],
  [['http://*:3000'], 'http://10.0.0.7:3000', true],
  [['https://*.example.org'], 'https://*.example.org', false],
  [['https://example.org:*'], 'https://example.org:*', false],
] as [string | string[], string, boolean][])
  test(`origins ${JSON.stringify(origins)} ${allowed ? 'accept' : 'do not accept'} the page ${page}`, () => {
    assert.equal(new Origins(origins).allows(page, 'chat.example.net'), allowed);
  });

for (const [origin, advice] of [
  ['example.org', 'write https://example.org'],
  ['localhost:3000', 'write https://localhost:3000'],
  ['https://example.org/chat', 'write https://example.org'],
  ['https://example.org?x', 'write https://example.org'],
  ['wss://example.org', 'write https://example.org'],
  ['ws://example.org:3000', 'write http://example.org:3000'],
  ['https://', 'write one like'],
  ['https://user@example.org', 'write one like'],
  ['https://*example.org', 'write one like'],
  ['https://example.*', 'write one like'],
  ['https://*.10.0.0.7', 'write one like'],
  ['https://example.org:0', 'write one like'],
  ['https://example.org:99999', 'write one like'],
  ['https://a.example, https://b.example', 'write one like'],
  [' https://example.org', 'write one like'],
  ['', 'write one like'],
  ['**', 'write one like'],
] as const)
  test(`the origin ${JSON.stringify(origin)}, which no page has, is refused with what to write`, () => {
    assert.throws(() => new Origins([origin]), isRefused(origin, advice));
  });

test('an entry of origins or hosts that is not a text is refused, too', () => {
  for (const value of [5, null, /x/, {}]) {
    assert.throws(() => new Origins([value as string]), { code: 'BAD_OPTION' });
    assert.throws(() => new Hosts([value as string]), { code: 'BAD_OPTION' });
  }
});

for (const [page, host] of [
  ['https://example.org', 'example.org'],
  ['https://example.org', 'Example.org:443'],
  ['http://example.org', 'example.org:80'],
  ['http://example.org:9000', 'example.org:9000'],
  ['https://example.org.', 'example.org'],
  ['http://localhost:5173', '127.0.0.1:9000'],
] as const)
  test(`a page of ${page} may always call its own host ${host}, even when others are listed`, () => {
    assert.ok(new Origins(['https://else.example']).allows(page, host));
  });

for (const [page, host] of [
  ['https://example.org', 'example.org:80'],
  ['http://example.org', 'example.org:9000'],
  ['http://127.0.0.1.evil.example', '127.0.0.1:9000'],
  ['null', 'null'],
  ['https://example.org', ''],
] as const)
  test(`a page of ${page} is not of the host ${JSON.stringify(host)}`, () => {
    assert.ok(!new Origins().allows(page, host));
  });

for (const [hosts, host, allowed] of [
  ['chat.example.org', 'chat.example.org', true],
  [['Chat.Example.org.'], 'chat.example.org:9000', true],
  [['chat.example.org:443'], 'chat.example.org', true],
  [['chat.example.org'], 'CHAT.example.org.', true],
  [['chat.example.org'], 'evil.example', false],
  [['chat.example.org'], 'chat.example.org.evil.example', false],
  [['chat.example.org'], 'x@chat.example.org', false],
  [['chat.example.org'], '', false],
  [['*.example.org'], 'a.b.example.org', true],
  [['*.example.org'], 'example.org', false],
  [['*.example.org'], 'evilexample.org', false],
  [['*'], 'anything at all', true],
  [['bücher.example'], 'xn--bcher-kva.example', true],
  [['chat.example.org'], '10.0.0.7:9000', true],
  [['chat.example.org'], '[2001:db8::1]', true],
  [['chat.example.org'], 'localhost:9000', true],
  [['chat.example.org'], 'localhost.evil.example', false],
  [['chat.example.org'], '127.0.0.1.evil.example', false],
  [['chat.example.org'], undefined, true],
] as [string | string[], string | undefined, boolean][])
  test(`hosts ${JSON.stringify(hosts)} ${allowed ? 'accept' : 'do not accept'} the Host ${JSON.stringify(host)}`, () => {
    assert.equal(new Hosts(hosts).allows(host), allowed);
  });

for (const [host, advice] of [
  ['https://chat.example.org', 'write chat.example.org'],
  ['chat.example.org/', 'write chat.example.org'],
  ['same', 'write a name like'],
  ['*example.org', 'write a name like'],
  ['chat.*', 'write a name like'],
  ['a b', 'write a name like'],
  ['*.10.0.0.7', 'write a name like'],
  ['', 'write a name like'],
] as const)
  test(`the host ${JSON.stringify(host)}, which no request can have, is refused with what to write`, () => {
    assert.throws(() => new Hosts([host]), isRefused(host, advice));
  });

test('a list without any host is refused: nobody could call the server', () => {
  assert.throws(() => new Hosts([]), { code: 'BAD_OPTION' });
});

test('a server refuses such options when it is made', () => {
  assert.throws(() => new Recorder('ws://127.0.0.1:0', { origins: ['example.org'] }), { code: 'BAD_OPTION' });
  assert.throws(() => new Recorder('ws://127.0.0.1:0', { hosts: ['https://example.org'] }), { code: 'BAD_OPTION' });
});

test('a plain request for another host name is answered like a handshake: 421, without calling onRequest', async (t) => {
  const heard: (string | undefined)[] = [];
  const refused: [string, number][] = [];
  const server = await Recorder.listen(t, {
    hosts: ['chat.example.org'],
    onRequest: (request, response) => {
      heard.push(request.headers.host);
      response.end('hello');
    },
  });
  server.onRefuse = ({ url }, status) => refused.push([url, status]);
  const url = server.url.replace('ws', 'http');
  const statusFor = (host: string, method = 'GET') =>
    new Promise<number | undefined>((resolve, reject) => {
      const request = get(url, { headers: { host }, method, agent: false });
      request.on('response', (response: IncomingMessage) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
    });
  assert.equal(await statusFor('chat.example.org'), 200);
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) assert.equal(await statusFor('evil.example', method), 421);
  assert.deepEqual(heard, ['chat.example.org']);
  await assert.rejects(connectWebSocket(server.url, { headers: { Host: 'evil.example' } }), /421/);
  assert.deepEqual(
    refused,
    Array.from({ length: 5 }, () => ['/', 421]),
  );
});

test('a page of a listed subdomain is accepted, and one of another is not', async (t) => {
  const server = await Recorder.listen(t, { origins: ['https://*.example.org'] });
  (await connectWebSocket(server.url, { headers: { Origin: 'https://chat.example.org' } })).close();
  await assert.rejects(connectWebSocket(server.url, { headers: { Origin: 'https://example.com' } }), /403/);
});
