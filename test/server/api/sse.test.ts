import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { connect as connectSocket, createServer as createTcpServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ProtocolError } from '../../../src/protocol/index.ts';
import { isEvents } from '../../../src/server/api/index.ts';
import { configSchema } from '../../../src/server/config/index.ts';
import { AddressLimits } from '../../../src/server/limits/index.ts';
import { launchChromium } from '../../support/chromium.ts';
import { missing } from '../../support/need.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { call, serveApi } from './api-peer.ts';

interface SseEvent {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
}

/** A reader of the events, by hand. */
class Reader {
  readonly response: IncomingMessage;
  readonly #chunks: AsyncIterator<Buffer>;
  #text = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    this.#chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  static async open(t: TestContext, url: string, headers: Record<string, string> = {}): Promise<Reader> {
    const request = get(url, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    t.after(() => request.destroy());
    response.on('error', () => {});
    return new Reader(response);
  }

  /** The next block; undefined at the end. A comment is an empty one. */
  async next(): Promise<SseEvent | undefined> {
    while (!this.#text.includes('\n\n')) {
      const { value, done } = await this.#chunks.next();
      if (done) return undefined;
      this.#text += value;
    }
    const end = this.#text.indexOf('\n\n');
    const lines = this.#text.slice(0, end).split('\n');
    this.#text = this.#text.slice(end + 2);
    const fields = lines.filter((line) => !line.startsWith(':')).map((line) => line.split(/: (.*)/s).slice(0, 2));
    return Object.fromEntries(fields);
  }

  /** The data and ids of the next `count` publications. */
  async publications(count: number): Promise<[unknown, string][]> {
    const got: [unknown, string][] = [];
    while (got.length < count) {
      const next = await this.next();
      assert.ok(next, 'the stream ended');
      if (next.data !== undefined && next.event === undefined) got.push([JSON.parse(next.data), next.id!]);
    }
    return got;
  }

  async until(event: string): Promise<SseEvent> {
    for (;;) {
      const next = await this.next();
      assert.ok(next, `the stream ended before ${event}`);
      if (next.event === event) return next;
    }
  }
}

test('an event stream begins with its position, and each publication has the position after it', async (t) => {
  const { hub, url } = await serveApi(t);
  const reader = await Reader.open(t, `${url}/sse?channel=news`);
  assert.match(reader.response.headers['content-type']!, /^text\/event-stream/);
  assert.equal(reader.response.headers['x-accel-buffering'], 'no');
  assert.match(reader.response.headers['cache-control']!, /no-cache/);
  const first = await reader.next();
  const [epoch] = await hub.publish('news', { text: 'uno\ndos' });
  assert.equal(first?.id, `${epoch}:0`);
  assert.ok(Number(first?.retry) >= 1_000 && Number(first?.retry) <= 2_000);
  assert.deepEqual(await reader.publications(1), [[{ text: 'uno\ndos' }, `${epoch}:1`]]);
});

test('a reader that returns with the last id gets everything missed, by header or query, however much', async (t) => {
  const { hub, url } = await serveApi(t, { hub: { channels: { '*': { history: { size: 5_000 } } } } });
  for (let n = 1; n <= 3_000; n++) await hub.publish('news', n);
  const { epoch } = await hub.history('news', { limit: 1 });
  const expected = Array.from({ length: 2_900 }, (_, n) => [n + 101, `${epoch}:${n + 101}`]);
  const byHeader = await Reader.open(t, `${url}/sse?channel=news`, { 'Last-Event-ID': `${epoch}:100` });
  assert.deepEqual(await byHeader.publications(2_900), expected);
  const byQuery = await Reader.open(t, `${url}/sse?channel=news&since=${epoch}:100`);
  assert.deepEqual(await byQuery.publications(2_900), expected);
  await hub.publish('news', 'live');
  assert.deepEqual(await byQuery.publications(1), [['live', `${epoch}:3001`]]);
  const recent = await Reader.open(t, `${url}/sse?channel=news&recent=1`);
  assert.deepEqual((await recent.publications(1))[0]![0], 'live');
});

test('the usual polyfill reconnects with lastEventId in the query, which overrides since and is overridden by the header', async (t) => {
  const { hub, url } = await serveApi(t);
  for (let n = 1; n <= 5; n++) await hub.publish('news', n);
  const { epoch } = await hub.history('news');
  const first = async (query: string, headers = {}) => {
    const reader = await Reader.open(t, `${url}/sse?channel=news${query}`, headers);
    return (await reader.publications(1))[0]![0];
  };
  for (const name of ['lastEventId', 'lastEventID', 'Last-Event-ID'])
    assert.equal(await first(`&${name}=${encodeURIComponent(`${epoch}:3`)}`), 4);
  assert.equal(await first(`&since=${epoch}:1&lastEventId=${epoch}:3`), 4);
  assert.equal(await first(`&lastEventId=&since=${epoch}:1`), 2);
  assert.equal(await first(`&lastEventId=${epoch}:1`, { 'Last-Event-ID': `${epoch}:4` }), 5);
});

test('an unknown member of the query is ignored', async (t) => {
  const { url } = await serveApi(t);
  const reader = await Reader.open(t, `${url}/sse?channel=news&r=0.123&_=17&utm_source=mail`);
  assert.equal((await reader.next())?.event, 'start');
});

test('a reader that is ahead of the log, as after a restored backup, is told of a gap, with 64 channels too', async (t) => {
  const { hub, url } = await serveApi(t);
  const channels = Array.from({ length: 64 }, (_, n) => `c${n}`).toSorted();
  const positions = await Promise.all(channels.map((name) => hub.publish(name, 1)));
  const id = positions.map((position) => `${position![0]}:50`).join(',');
  const reader = await Reader.open(t, `${url}/sse?${channels.map((name) => `channel=${name}`).join('&')}`, {
    'Last-Event-ID': id,
  });
  assert.equal((await reader.next())?.id, id);
  for (const [index, channel] of channels.entries()) {
    const [epoch] = positions[index]!;
    const { event, data } = (await reader.next())!;
    assert.equal(event, 'gap');
    assert.deepEqual(JSON.parse(data!), { channel, have: [epoch, 50], oldest: 2, head: 1, epoch });
  }
  await hub.publish('c0', 2);
  const [[said]] = (await reader.publications(1)) as [[{ data: number }, string]];
  assert.equal(said.data, 2);
});

test('a reader that is told to return later keeps the id that it came with', async (t) => {
  const { url } = await serveApi(t, {
    hub: { connect: () => Promise.reject(new ProtocolError('UNAVAILABLE', 'wait')) },
  });
  const reader = await Reader.open(t, `${url}/sse?channel=news`, { 'Last-Event-ID': 'abc:17' });
  const { event, id } = (await reader.next())!;
  assert.deepEqual([event, id], ['bye', 'abc:17']);
});

test('publications that are no longer in the log are reported as a gap, with the position to continue from', async (t) => {
  const { hub, url } = await serveApi(t, { hub: { channels: { '*': { history: { size: 2 } } } } });
  for (let n = 1; n <= 9; n++) await hub.publish('news', n);
  const { epoch } = await hub.history('news');
  const reader = await Reader.open(t, `${url}/sse?channel=news`, { 'Last-Event-ID': `${epoch}:1` });
  const { data, id } = await reader.until('gap');
  assert.deepEqual(JSON.parse(data!), { channel: 'news', have: [epoch, 1], oldest: 8, head: 9, epoch });
  assert.equal(id, `${epoch}:9`);
});

test('an event stream of several channels names them, and its id contains the position in each', async (t) => {
  const { hub, url } = await serveApi(t);
  const path = '/sse?channel=sport&channel=news';
  const reader = await Reader.open(t, url + path);
  await reader.next();
  await hub.publish('news', 1);
  await hub.publish('sport', 2);
  const [one, two] = await reader.publications(2);
  assert.deepEqual((one![0] as { channel: string; data: number }).channel, 'news');
  assert.deepEqual((two![0] as { channel: string; data: number }).data, 2);
  await hub.publish('news', 3);
  await hub.publish('sport', 4);
  const other = await Reader.open(t, `${url}/sse?channel=news&channel=sport`, { 'Last-Event-ID': two![1] });
  const rest = (await other.publications(2)).map(([message]) => (message as { data: number }).data);
  assert.deepEqual(rest.toSorted(), [3, 4]);
});

test('the first data of a channel comes as an event before its publications', async (t) => {
  const { hub, url } = await serveApi(t, {
    hub: { channels: { '*': { subscribe: (_who, channel) => channel === 'news' || { data: { from: channel } } } } },
  });
  await hub.publish('sport', 'goal');
  const reader = await Reader.open(t, `${url}/sse?channel=sport&channel=news&recent=1`);
  const { data } = await reader.until('subscribed');
  assert.deepEqual(JSON.parse(data!), { channel: 'sport', data: { from: 'sport' } });
  assert.partialDeepStrictEqual((await reader.publications(1))[0]![0], { data: 'goal' });
});

test('a reader without the right is refused by a status, and mistakes in the request are named', async (t) => {
  const { url } = await serveApi(t, {
    hub: {
      connect: ({ token }) => (token === 'bad' ? null : { user: token ?? 'nobody' }),
      channels: { 'secret:*': { subscribe: ({ user }) => user === 'ana' }, '*': {} },
    },
  });
  const status = async (path: string, headers = {}) => {
    const response = await fetch(url + path, { headers });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (isStream) await response.body?.cancel();
    const { code } = isStream ? { code: 'stream' } : ((await response.json()) as { code: string });
    return [response.status, code];
  };
  assert.deepEqual(await status('/sse?channel=news&token=bad'), [401, 'UNAUTHORIZED']);
  assert.deepEqual(await status('/sse?channel=news&channel=secret:1&token=luis'), [403, 'FORBIDDEN']);
  assert.deepEqual(await status('/sse?channel=secret:1&token=ana'), [200, 'stream']);
  assert.deepEqual(await status('/sse?channel=secret:1', { Authorization: 'Bearer ana' }), [200, 'stream']);
  assert.deepEqual(await status('/sse'), [400, 'BAD_MESSAGE']);
  assert.deepEqual(await status('/sse?channel=two%20words'), [400, 'BAD_CHANNEL']);
  assert.deepEqual(await status('/sse?channel=news&since=nonsense'), [400, 'BAD_MESSAGE']);
  assert.deepEqual(await status('/sse?channel=news', { 'Last-Event-ID': 'a:1,b:2' }), [400, 'BAD_MESSAGE']);
  const many = Array.from({ length: 65 }, (_, n) => `channel=c${n}`).join('&');
  assert.deepEqual(await status(`/sse?${many}`), [400, 'TOO_MANY_SUBSCRIPTIONS']);
  const post = await call(url, '/sse?channel=news', {});
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET']);
});

test('an event stream of a foreign page is refused unless the configuration allows it', async (t) => {
  const shut = await serveApi(t);
  const open = await serveApi(t, { origins: ['https://shop.example'] });
  const headers = { Origin: 'https://shop.example' };
  assert.equal((await fetch(`${shut.url}/sse?channel=news`, { headers })).status, 403);
  const reader = await Reader.open(t, `${open.url}/sse?channel=news`, headers);
  assert.equal(reader.response.headers['access-control-allow-origin'], 'https://shop.example');
});

test('an allowed page of another origin may send its token and position, after a preflight', {
  skip: missing('chromium'),
}, async (t) => {
  const page = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<title>reader</title>');
  }).listen(0, '127.0.0.1');
  await once(page, 'listening');
  const origin = `http://127.0.0.1:${(page.address() as { port: number }).port}`;
  const browser = await launchChromium();
  t.after(async () => {
    await browser.close();
    page.close();
  });
  const tab = await browser.newPage();
  await tab.goto(`${origin}/`);
  for (const origins of ['*', [origin]] as const) {
    const { hub, url } = await serveApi(t, {
      origins: origins === '*' ? origins : [...origins],
      hub: { connect: ({ token }) => (token === 'ana' ? { user: 'ana' } : null) },
    });
    const position = await hub.publish('news', 'missed');
    await hub.publish('news', 'got');
    const read = tab.evaluate(
      async ([source, id]) => {
        const headers = { Authorization: 'Bearer ana', 'Last-Event-ID': id!, 'Cache-Control': 'no-cache' };
        const stop = new AbortController();
        const response = await fetch(source!, { headers, signal: stop.signal });
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        while (!text.includes('got')) text += (await reader.read()).value;
        stop.abort();
        return [response.status, text.includes('missed')];
      },
      [`${url}/sse?channel=news`, position!.join(':')],
    );
    assert.deepEqual(await read, [200, false]);
  }
});

test('the preflight of a page that is not allowed is refused', async (t) => {
  const { url } = await serveApi(t, { origins: ['https://shop.example'] });
  const preflight = (origin: string) =>
    fetch(`${url}/sse?channel=news`, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'GET' },
    });
  const allowed = await preflight('https://shop.example');
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://shop.example');
  assert.match(allowed.headers.get('access-control-allow-headers')!, /Authorization, Last-Event-ID/);
  const refused = await preflight('https://evil.example');
  assert.equal(refused.status, 403);
  assert.equal(refused.headers.get('access-control-allow-origin'), null);
});

test('a reader that is removed from a channel or disconnected is told so at the end of the stream', async (t) => {
  const { hub, url } = await serveApi(t, { hub: { connect: ({ token }) => ({ user: token ?? '' }) } });
  const reader = await Reader.open(t, `${url}/sse?channel=news&token=ana`);
  await reader.next();
  hub.user('ana').send('hola');
  assert.equal((await reader.until('to')).data, '"hola"');
  hub.user('ana').unsubscribe('news', 'FORBIDDEN');
  assert.equal(JSON.parse((await reader.until('end')).data!).code, 'FORBIDDEN');
  assert.equal(await reader.next(), undefined);
  assert.equal(hub.connections.length, 0);
  const other = await Reader.open(t, `${url}/sse?channel=news&token=ana`);
  await other.next();
  hub.user('ana').connections[0]!.end('SHUTTING_DOWN');
  assert.ok(Number((await other.next())?.retry) >= 1_000);
  assert.equal(await other.next(), undefined);
});

test('a reader that disconnects is removed from the hub', async (t) => {
  const { hub, url } = await serveApi(t);
  const reader = await Reader.open(t, `${url}/sse?channel=news`);
  await reader.next();
  assert.equal(hub.subscribers('news'), 1);
  const gone = new Promise<void>((resolve) => hub.observe({ onVacated: () => resolve() }));
  reader.response.destroy();
  await gone;
  assert.equal(hub.connections.length, 0);
});

test('a reader that stops reading costs little memory, and gets everything from the log when it reads again', async (t) => {
  const { hub, url } = await serveApi(t, { hub: { channels: { '*': { history: { size: 5_000 } } } } });
  const slow = new Promise<void>((resolve) => hub.observe({ onSlow: () => resolve() }));
  const reader = await Reader.open(t, `${url}/sse?channel=news`);
  await reader.next();
  // 40 MB: more than its queue and the system's buffers hold, so that it would be cut off if all of it were queued.
  const data = 'x'.repeat(20_000);
  for (let n = 1; n <= 2_000; n++) {
    await hub.publish('news', { n, data });
    if (n % 20 === 0) await turn();
  }
  await slow;
  const got = (await reader.publications(2_000)).map(([message]) => (message as { n: number }).n);
  assert.deepEqual(
    got,
    Array.from({ length: 2_000 }, (_, n) => n + 1),
  );
});

test("a browser's EventSource continues after a lost connection without losing anything", {
  skip: missing('chromium'),
}, async (t) => {
  const { hub, url } = await serveApi(t, { origins: '*' });
  const page = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<title>reader</title>');
  }).listen(0, '127.0.0.1');
  // A line that can be cut: everything goes through it.
  const sockets = new Set<Socket>();
  const { port } = new URL(url);
  const line = createTcpServer((socket) => {
    const onward = connectSocket(Number(port), '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('error', () => {}).on('close', () => other.destroy());
      one.pipe(other);
    }
    sockets.add(socket);
  }).listen(0, '127.0.0.1');
  await Promise.all([once(page, 'listening'), once(line, 'listening')]);
  const browser = await launchChromium();
  t.after(async () => {
    await browser.close();
    for (const socket of sockets) socket.destroy();
    page.close();
    line.close();
  });
  const portOf = (server: { address(): unknown }) => (server.address() as { port: number }).port;
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${portOf(page)}/`);
  await tab.evaluate(
    (source) => {
      const state = globalThis as unknown as { got: unknown[]; opened: number };
      state.got = [];
      state.opened = 0;
      const events = new EventSource(source);
      events.addEventListener('open', () => state.opened++);
      events.addEventListener('message', ({ data }) => state.got.push(JSON.parse(data)));
    },
    `http://127.0.0.1:${portOf(line)}/sse?channel=news`,
  );
  const opened = (times: number) =>
    tab.waitForFunction((times) => (globalThis as unknown as { opened: number }).opened === times, times);
  await opened(1);
  // Nothing was published yet: it is the id at the beginning by which it finds what comes while it is away.
  for (const socket of sockets) socket.destroy();
  await hub.publish('news', 1);
  await opened(2);
  await hub.publish('news', 2);
  await tab.waitForFunction(() => (globalThis as unknown as { got: unknown[] }).got.length === 2);
  for (const socket of sockets) socket.destroy();
  for (const n of [3, 4, 5]) await hub.publish('news', n);
  await opened(3);
  await hub.publish('news', 6);
  await tab.waitForFunction(() => (globalThis as unknown as { got: unknown[] }).got.length >= 6);
  assert.deepEqual(await tab.evaluate(() => (globalThis as unknown as { got: unknown[] }).got), [1, 2, 3, 4, 5, 6]);
});

test('an event stream under a foreign host name is refused, so that DNS rebinding gives a page no access', async (t) => {
  const { url, hub } = await serveApi(t, { serve: { hosts: ['live.example.org'] } });
  const headers = { host: 'evil.example', origin: 'http://evil.example' };
  const request = get(`${url}/sse?channel=news`, { headers, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  t.after(() => request.destroy());
  assert.equal(response.statusCode, 421);
  assert.equal(hub.connections.length, 0);
});

test('event streams count as connections of their address, and one that ends makes room', async (t) => {
  const addressLimits = new AddressLimits({ connectionsPerAddress: 2, connectsPerSecond: 1_000 });
  const refused: string[] = [];
  const { url } = await serveApi(t, {
    api: { addressLimits, onRefused: (reason) => refused.push(reason) },
    serve: { addressLimits, asksItself: ({ url }) => isEvents(url) },
  });
  const first = await Reader.open(t, `${url}/sse?channel=news`);
  await first.next();
  await (await Reader.open(t, `${url}/sse?channel=news`)).next();
  const third = await Reader.open(t, `${url}/sse?channel=news`);
  assert.deepEqual(
    [await third.next()].map((event) => [event?.event, JSON.parse(event?.data ?? '{}').code]),
    [['bye', 'RATE_LIMITED']],
  );
  assert.equal(await third.next(), undefined);
  assert.deepEqual(refused, ['address_connections']);
  first.response.destroy();
  await until(() => addressLimits.connectionsOf('127.0.0.1') <= 1, 'the address has one connection');
  const fourth = await Reader.open(t, `${url}/sse?channel=news`);
  assert.equal((await fourth.next())?.event, 'start');
});

test('at most as many event streams are open at a time as connections are allowed', async (t) => {
  const { limits } = configSchema.parse({ limits: { connections: 1 } });
  const config = { ...configSchema.parse({}), limits };
  const { url } = await serveApi(t, { api: { config } });
  await (await Reader.open(t, `${url}/sse?channel=news`)).next();
  const second = await (await Reader.open(t, `${url}/sse?channel=news`)).next();
  assert.equal(JSON.parse(second?.data ?? '{}').code, 'UNAVAILABLE');
});

test('an event stream of the largest number of channels sends the hub nothing that it refuses, and continues', async (t) => {
  const { url, hub } = await serveApi(t);
  const refused: string[] = [];
  hub.observe({ onRefused: (_, code) => refused.push(code) });
  const channels = Array.from({ length: 64 }, (_, n) => `c${n}`);
  const reader = await Reader.open(t, `${url}/sse?${channels.map((name) => `channel=${name}`).join('&')}`);
  await reader.next();
  for (let round = 1; round <= 3; round++) {
    for (const name of channels) await hub.publish(name, round);
    for (const [said] of await reader.publications(64)) assert.equal((said as { data: number }).data, round);
  }
  assert.deepEqual(refused, []);
});

test('an event stream of more channels than the rate of lines still opens, each channel in its turn', async (t) => {
  const { url, hub } = await serveApi(t, { hub: { limits: { requests: 30 } } });
  const channels = Array.from({ length: 64 }, (_, n) => `c${n}`);
  const reader = await Reader.open(t, `${url}/sse?${channels.map((name) => `channel=${name}`).join('&')}`);
  assert.equal((await reader.next())?.event, 'start');
  for (const name of channels) await hub.publish(name, 1);
  assert.equal((await reader.publications(64)).length, 64);
});
