import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { Hub } from '../../../src/hub/index.ts';
import { SUBPROTOCOL } from '../../../src/protocol/index.ts';
import { AddressLimits } from '../../../src/server/limits/index.ts';
import { LineServer } from '../../../src/server/transports/lines/index.ts';
import { connect } from '../../../src/stream/index.ts';
import { type ClientOptions, connectWebSocket } from '../../../src/websocket/index.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { startDaemon } from '../../support/daemon.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { missing } from '../../support/need.ts';
import { until } from '../../support/until.ts';
import { directoryWith } from '../config/support.ts';

/** As `TOLD` has it: sockets over the limit that are still told why. */
const TOLD = 64;

/** A TCP connection that says nothing; when this resolves, the daemon has accepted it. */
async function silent(t: TestContext, url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = createConnection(Number(port), hostname);
  t.after(() => socket.destroy());
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  return socket;
}

/** One request on a connection of its own, or of `agent`. */
async function ask(url: string, options: { headers?: Record<string, string>; agent?: Agent | false } = {}) {
  const request = get(url, { agent: false, ...options });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** A WebSocket of the protocol, which stays until somebody ends it. */
function join(url: string, options: ClientOptions = {}) {
  return connectWebSocket(url.replace('http', 'ws'), { protocols: [SUBPROTOCOL], ...options });
}

/** Asks until the status is this one: what somebody else's closing changes is not told to us. */
async function answers(url: string, status: number, options: Parameters<typeof ask>[1] = {}): Promise<void> {
  await until(async () => (await ask(url, options)).status === status, `${url} answers with ${status}`);
}

const limits = (connectionsPerAddress: number) => ({
  limits: { connectionsPerAddress, connectsPerSecond: 100_000 },
});

test('silent connections count for their address: the next request is refused, and accepted after one of them has closed', async (t) => {
  const { url } = await startDaemon(t, limits(3));
  const sockets = [await silent(t, url), await silent(t, url), await silent(t, url)];
  const { status, headers, body } = await ask(`${url}/`);
  assert.deepEqual([status, headers['retry-after'], headers.connection], [429, '30', 'close']);
  assert.equal(body, 'There are too many connections from your address\n');
  await assert.rejects(join(url), /429/);
  sockets[0]!.destroy();
  await answers(`${url}/health`, 200);
});

test('beyond the connections that are refused with a reason, an address gets none at all, and its earlier connections stay', async (t) => {
  const { url } = await startDaemon(t, limits(2));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal((await ask(`${url}/health`, { agent })).status, 200);
  const event = get(`${url}/sse?channel=news`, { agent: false });
  t.after(() => event.on('error', () => {}).destroy());
  await once(event, 'response');
  const socket = await join(url);
  t.after(() => socket.terminate()); // it has taken the place of the idle one
  const more = await Promise.all(Array.from({ length: TOLD + 20 }, () => silent(t, url)));
  const cut = () => more.filter((socket) => socket.closed).length;
  await until(() => cut() >= 20, 'twenty are cut off');
  assert.equal(cut(), 20);
  assert.equal(event.destroyed, false);
});

test('an idle HTTP connection makes room for a new one of the same address; one with a request under way does not', async (t) => {
  const { url } = await startDaemon(t, limits(2));
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  assert.equal((await ask(`${url}/health`, { agent })).status, 200);
  const [kept] = Object.values(agent.freeSockets).flat();
  const stream = get(`${url}/sse?channel=news`, { agent: false });
  t.after(() => stream.on('error', () => {}).destroy());
  await once(stream, 'response');
  assert.equal(kept!.closed, false);
  assert.equal((await ask(`${url}/health`)).status, 200);
  if (!kept!.closed) await once(kept!, 'close');
  await silent(t, url);
  assert.equal((await ask(`${url}/health`)).status, 429);
  assert.equal(stream.destroyed, false);
});

test('many requests on one keep-alive connection count as one connection, and leave nothing behind', async (t) => {
  const { url } = await startDaemon(t, limits(2));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const warnings: Error[] = [];
  const hear = (warning: Error) => warnings.push(warning);
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  for (let n = 0; n < 50; n++) assert.equal((await ask(`${url}/api/whoami`, { agent })).status, 200);
  assert.deepEqual(warnings, []);
});

test('an event stream over the limit is refused on every attempt on the same connection, and accepted after another has closed', async (t) => {
  const { url } = await startDaemon(t, limits(1));
  const other = await silent(t, url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let n = 0; n < 3; n++)
    assert.match((await ask(`${url}/sse?channel=news`, { agent })).body, /^event: bye\ndata: .*"RATE_LIMITED"/m);
  assert.equal((await ask(`${url}/health`)).status, 429, 'the refused one does not count twice');
  other.destroy();
  await answers(`${url}/health`, 200, { agent });
});

test('a TLS handshake counts as a connection, finished or not', {
  skip: missing('openssl'),
}, async (t) => {
  const { cert, key } = makeCertificate();
  const folder = directoryWith(t);
  writeFileSync(`${folder}/cert.pem`, cert);
  writeFileSync(`${folder}/key.pem`, key);
  const tls = [{ cert: `${folder}/cert.pem`, key: `${folder}/key.pem` }];
  const { url } = await startDaemon(t, { listen: 'https://127.0.0.1:0', tls, ...limits(2) });
  const hanging = await silent(t, url);
  const first = await join(url, { tls: { ca: cert } });
  await assert.rejects(join(url, { tls: { ca: cert } }), /429/);
  hanging.destroy();
  for (;;) {
    const second = await join(url, { tls: { ca: cert } }).catch(() => undefined);
    second?.terminate();
    if (second) break;
  }
  first.terminate();
});

test('a WebSocket counts as one connection from its handshake until its socket has closed', async (t) => {
  const { url, daemon } = await startDaemon(t, limits(2));
  for (let round = 0; round < 20; round++) {
    const one = await join(url);
    one.close();
    await one.closed;
    await until(() => daemon.traffic.sockets === 0, 'no socket is open');
  }
  await answers(`${url}/health`, 200);
});

const PROXY = { proxies: ['127.0.0.1'] };
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

test('a trusted proxy is never locked out, and each client that it names has its own limits', async (t) => {
  const { url, call } = await startDaemon(t, { ...PROXY, ...limits(2) });
  const come = (address: string) => join(url, from(address));
  for (let n = 0; n < 10; n++) await silent(t, url);
  const clients = [await come('203.0.113.7'), await come('203.0.113.7')];
  await assert.rejects(come('203.0.113.7'), /429/);
  clients.push(await come('203.0.113.8'));
  const stream = get(`${url}/sse?channel=news`, { agent: false, ...from('203.0.113.8') });
  await once(stream, 'response');
  await assert.rejects(come('203.0.113.8'), /429/);
  assert.equal(
    (await ask(`${url}/`, from('203.0.113.7'))).status,
    200,
    'pages come through the connections of the proxy',
  );
  assert.equal((await call('GET', '/api/whoami')).status, 200);
  for (let n = 0; n < 10; n++) clients.push(await join(url)); // it names nobody
  stream.on('error', () => {}).destroy();
  for (const client of clients) client.terminate();
});

test('the Unix socket has no limits', async (t) => {
  const socketPath = `${directoryWith(t)}/api.sock`;
  const { url } = await startDaemon(t, { socket: socketPath, ...limits(1) });
  await silent(t, url);
  assert.equal((await ask(`${url}/health`)).status, 429);
  const locals: Socket[] = [];
  for (let n = 0; n < 5; n++) {
    const local = createConnection(socketPath);
    locals.push(local);
    await once(local, 'connect');
  }
  const request = get({ socketPath, path: '/api/whoami', agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.resume().statusCode, 200);
  for (const local of locals) local.destroy(); // or they would hold up the drain
});

const LINES = { listen: 'tcp://127.0.0.1:0', channel: 'news' };

test('a monitor that connects and disconnects a thousand times is accepted each time, on the port for lines and on the port for pages', async (t) => {
  const { url, daemon } = await startDaemon(t, {
    sources: { lines: { lines: LINES.listen, channel: LINES.channel } },
    ...limits(20),
  });
  const port = daemon.sourceAddresses.lines![0]!.replace('tcp', 'http');
  for (let n = 0; n < 1_000; n++) {
    const socket = await silent(t, n % 2 ? url : port);
    socket.destroy();
    await once(socket, 'close');
  }
  await answers(`${url}/health`, 200);
});

test('a lines client that has ended its side receives for a while and is then ended, even on a silent channel', async (t) => {
  const clock = new FakeClock();
  const hub = new Hub({ broker: memory(), channels: { news: {} }, clock });
  await hub.open();
  const addressLimits = new AddressLimits({ connectionsPerAddress: 2, connectsPerSecond: 100 });
  const server = new LineServer(hub, { ...LINES, addressLimits, clock });
  await server.open();
  t.after(async () => {
    await server.close();
    await hub.close();
  });
  const socket = await connect(server.addresses[0]!);
  const here = async (count: number) => {
    await until(() => hub.subscribers('news') === count, `${count} are subscribed`);
  };
  await here(1);
  assert.equal(addressLimits.connectionsOf('127.0.0.1'), 1);
  const idle = clock.pending;
  socket.end();
  await until(() => clock.pending !== idle, 'the end of the socket is seen');
  const lines = socket.lines();
  await hub.publish('news', 'still here');
  assert.equal((await lines.next()).value, 'still here');
  clock.advance(5_000);
  assert.equal((await lines.next()).done, true);
  await here(0);
  await until(() => addressLimits.connectionsOf('127.0.0.1') === 0, 'the address has no connection');
});
