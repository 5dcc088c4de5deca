import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { memory } from '../../../src/broker/index.ts';
import { Hub } from '../../../src/hub/index.ts';
import { configSchema } from '../../../src/server/config/index.ts';
import { Webhooks, type WebhooksOptions } from '../../../src/server/webhooks/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { application, fileOf, START } from '../auth/auth-fixture.ts';

const SECRET = 'a secret between daemon and application';

interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it expects
  readonly json: any;
  readonly response: ServerResponse;
}

/** An application that is told, and answers what the test says: 204, unless `answer` says otherwise. */
class Receiver {
  readonly #calls: Call[] = [];
  readonly #waiting: ((call: Call) => void)[] = [];
  url = '';
  answer: (response: ServerResponse) => unknown = (response) => response.writeHead(204).end();

  static async start(t: TestContext): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.url = await application(t, ({ headers, body }, response) => {
      const call = { headers, body, json: JSON.parse(body), response };
      const waiting = receiver.#waiting.shift();
      if (waiting) waiting(call);
      else receiver.#calls.push(call);
      receiver.answer(response);
    });
    return receiver;
  }

  /** The next call. */
  async next(): Promise<Call> {
    return this.#calls.shift() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** What the next call tells, without the times. */
  async told(): Promise<unknown[]> {
    const { json } = await this.next();
    return json.events.map(({ type, user, channel }: Record<string, string>) => [type, user ?? channel]);
  }

  get unheard(): number {
    return this.#calls.length;
  }
}

interface Options extends Partial<WebhooksOptions> {
  readonly webhook?: object;
}

async function square(t: TestContext, receivers: readonly Receiver[], { webhook = {}, ...options }: Options = {}) {
  const hub = new Hub({ broker: memory(), connect: ({ token }) => (token ? { user: token } : {}) });
  await hub.open();
  t.after(() => hub.close());
  const clock = new FakeClock();
  const log = new MemoryLog();
  const config = configSchema.parse({
    webhooks: receivers.map(({ url }) => ({ url, secret: SECRET, ...webhook })),
  }).webhooks;
  const make = () =>
    new Webhooks(hub, config, { log, clock, now: () => START + clock.now(), random: () => 1, ...options });
  const webhooks = make();
  t.after(() => webhooks.close());
  await webhooks.open();
  return { hub, clock, log, webhooks, make };
}

/** Somebody comes, and is welcomed. */
async function come(hub: Hub, user: string, ...channels: string[]) {
  const wire = { send: () => true, drained: async () => {}, subscribe() {}, unsubscribe() {}, close() {} };
  const connection = hub.connect(wire);
  connection.receive(
    [['hi', 1, { token: user }], ...channels.map((channel, n) => ['sub', n + 2, channel, {}])]
      .map((line) => JSON.stringify(line))
      .join('\n'),
  );
  await until(() => hub.users.includes(user) && connection.channels.length >= channels.length, `${user} is subscribed`);
  return connection;
}

test('the application is notified of users going online and offline, and of occupied and vacated channels', async (t) => {
  const receiver = await Receiver.start(t);
  const { hub, clock } = await square(t, [receiver], { file: fileOf(t, 'webhooks.db') });
  const ana = await come(hub, 'ana', 'chat:42');
  clock.advance(5);
  const { json, headers } = await receiver.next();
  assert.deepEqual(json, {
    id: '1-2',
    version: 2,
    events: [
      { version: 1, type: 'online', user: 'ana', at: START },
      { version: 2, type: 'occupied', channel: 'chat:42', at: START },
    ],
  });
  assert.equal(headers['content-type'], 'application/json');
  ana.lost();
  clock.advance(1_005);
  const { json: left } = await receiver.next();
  assert.deepEqual(left.events, [
    { version: 3, type: 'vacated', channel: 'chat:42', at: START + 5 },
    { version: 4, type: 'offline', user: 'ana', at: START + 5 },
  ]);
});

test('the body is signed together with the time', async (t) => {
  const receiver = await Receiver.start(t);
  const { hub, clock } = await square(t, [receiver]);
  await come(hub, 'ana');
  clock.advance(5);
  const { headers, body } = await receiver.next();
  const [, seconds, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-zocalo-signature']))!;
  assert.equal(Number(seconds), START / 1_000);
  assert.equal(given, createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex'));
});

test('a quick return causes no events', async (t) => {
  const receiver = await Receiver.start(t);
  const { hub, clock } = await square(t, [receiver]);
  const ana = await come(hub, 'ana', 'chat:42');
  clock.advance(5);
  assert.equal((await receiver.told()).length, 2);
  ana.lost();
  clock.advance(999);
  const again = await come(hub, 'ana', 'chat:42');
  clock.advance(10_000);
  again.lost();
  clock.advance(1_005);
  assert.deepEqual(await receiver.told(), [
    ['vacated', 'chat:42'],
    ['offline', 'ana'],
  ]);
});

test('the application gets only the events that it wants', async (t) => {
  const receiver = await Receiver.start(t);
  const { hub, clock } = await square(t, [receiver], {
    webhook: { events: ['published', 'vacated'], channels: ['chat:*'] },
    file: fileOf(t, 'webhooks.db'),
  });
  const ana = await come(hub, 'ana', 'chat:42', 'news');
  await hub.publish('news', 'not this');
  const position = await hub.publish('chat:42', { text: 'hola "\u2028' });
  clock.advance(5);
  const { json } = await receiver.next();
  assert.deepEqual(json.events, [
    { version: 1, type: 'published', channel: 'chat:42', position, at: START, data: { text: 'hola "\u2028' } },
  ]);
  ana.lost();
  clock.advance(1_005);
  assert.deepEqual(await receiver.told(), [['vacated', 'chat:42']]);
});

const REFUSALS: Record<string, (response: ServerResponse) => unknown> = {
  'an error': (response) => response.writeHead(500).end('no database'),
  'a refusal': (response) => response.writeHead(404).end(),
  'a redirect': (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  'a cut': (response) => response.socket!.destroy(),
};

for (const [name, refuse] of Object.entries(REFUSALS))
  test(`events answered with ${name} are sent again after growing pauses, unchanged and in order`, async (t) => {
    const receiver = await Receiver.start(t);
    const { hub, clock, log } = await square(t, [receiver]);
    receiver.answer = refuse;
    await come(hub, 'ana');
    clock.advance(5);
    const first = await receiver.next();
    for (const pause of [1_000, 2_000, 4_000]) {
      await until(() => clock.pending === 1, 'the next attempt waits');
      if (pause === 2_000) await come(hub, 'luis');
      clock.advance(pause - 1);
      await turn();
      assert.equal(receiver.unheard, 0);
      clock.advance(1);
      const { json } = await receiver.next();
      if (pause === 1_000) assert.deepEqual(json, first.json);
      assert.equal(json.events[0].user, 'ana');
    }
    await until(() => clock.pending === 1, 'the next attempt waits');
    receiver.answer = (response) => response.writeHead(200).end('x'.repeat(100_000));
    clock.advance(8_000);
    assert.deepEqual(await receiver.told(), [
      ['online', 'ana'],
      ['online', 'luis'],
    ]);
    await until(() => log.text.includes('accepts events again'), 'the log says that it works again');
    assert.equal(log.lines.filter(({ sentence }) => sentence.includes('did not accept')).length, 4);
    // What is past is forgiven: the next failure is a first one.
    receiver.answer = refuse;
    await come(hub, 'eva');
    clock.advance(5);
    assert.deepEqual(await receiver.told(), [['online', 'eva']]);
    await until(() => clock.pending === 1, 'the next attempt waits');
    clock.advance(1_000);
    assert.deepEqual(await receiver.told(), [['online', 'eva']]);
  });

test('events on a connection that the application has just closed are sent at once over a new one', async (t) => {
  const receiver = await Receiver.start(t);
  const { hub, clock, log } = await square(t, [receiver]);
  await come(hub, 'ana');
  clock.advance(5);
  const { response } = await receiver.next();
  await once(response, 'close');
  receiver.answer = (response) => response.socket!.destroy();
  await come(hub, 'luis');
  clock.advance(5);
  const { response: cut } = await receiver.next();
  receiver.answer = (response) => response.writeHead(204).end();
  assert.equal(cut.req.socket, response.req.socket);
  assert.deepEqual(await receiver.told(), [['online', 'luis']]);
  assert.deepEqual(log.lines, []);
});

test('a receiver that is down or never answers does not affect the others', async (t) => {
  const [well, silent, down] = [await Receiver.start(t), await Receiver.start(t), new Receiver()];
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  down.url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}/?key=s3cret`;
  gone.close();
  await once(gone, 'close');
  silent.answer = () => {};
  const { hub, clock, log } = await square(t, [silent, down, well]);
  for (const user of ['ana', 'luis', 'eva']) {
    await come(hub, user);
    clock.advance(5);
    assert.deepEqual(await well.told(), [['online', user]]);
  }
  await silent.next();
  assert.equal(silent.unheard, 0, 'one call at a time');
  await until(() => log.text.includes('ECONNREFUSED'), 'the log names ECONNREFUSED');
  assert.ok(!log.text.includes('s3cret') && !log.text.includes(SECRET));
});

test('unacknowledged events survive the process, and versions continue', async (t) => {
  const receiver = await Receiver.start(t);
  const file = fileOf(t, 'webhooks.db');
  const { hub, clock, webhooks, make } = await square(t, [receiver], { file });
  receiver.answer = () => {};
  await come(hub, 'ana');
  clock.advance(5);
  const first = await receiver.next();
  await come(hub, 'luis');
  await webhooks.close();
  receiver.answer = (response) => response.writeHead(204).end();
  const next = make();
  t.after(() => next.close());
  await next.open();
  const { json } = await receiver.next();
  assert.deepEqual(json.events[0], first.json.events[0]);
  assert.deepEqual(
    json.events.map(({ version, user }: Record<string, unknown>) => [version, user]),
    [
      [1, 'ana'],
      [2, 'luis'],
    ],
  );
  await come(hub, 'eva');
  clock.advance(5);
  assert.equal((await receiver.next()).json.version, 3);
});

test('unacknowledged events survive kill -9', async (t) => {
  const receiver = await Receiver.start(t);
  const file = fileOf(t, 'webhooks.db');
  receiver.answer = () => {};
  const daemon = spawn(process.execPath, [join(import.meta.dirname, 'dying-daemon.ts'), receiver.url, SECRET, file], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const before = await receiver.next();
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
  receiver.answer = (response) => response.writeHead(204).end();
  await square(t, [receiver], { file });
  const { json } = await receiver.next();
  assert.deepEqual(json.events.slice(0, before.json.events.length), before.json.events);
  assert.ok(json.events.length > 0);
});

test('after a restart, only users who do not return within a minute are reported offline', async (t) => {
  const receiver = await Receiver.start(t);
  const file = fileOf(t, 'webhooks.db');
  const { hub, clock, webhooks, make } = await square(t, [receiver], { file });
  const here = [await come(hub, 'ana'), await come(hub, 'luis')];
  clock.advance(5);
  assert.equal((await receiver.told()).length, 2);
  await until(() => !new DatabaseSync(file).prepare('SELECT 1 FROM events').get(), 'no event waits');
  await webhooks.close();
  for (const connection of here) connection.lost();
  const next = make();
  t.after(() => next.close());
  await next.open();
  await come(hub, 'ana');
  clock.advance(59_999);
  await turn();
  assert.equal(receiver.unheard, 0);
  clock.advance(6);
  assert.deepEqual(await receiver.told(), [['offline', 'luis']]);
});

test('when too many events wait, the oldest are dropped, and the receiver is told how many', async (t) => {
  const receiver = await Receiver.start(t);
  const { hub, clock, log } = await square(t, [receiver], {
    webhook: { events: ['published'] },
    file: fileOf(t, 'webhooks.db'),
  });
  receiver.answer = (response) => response.writeHead(500).end();
  await hub.publish('news', 0);
  clock.advance(5);
  await receiver.next();
  await until(() => clock.pending === 1, 'the next attempt waits');
  for (let n = 1; n <= 10_002; n++) void hub.publish('news', n);
  await hub.publish('news', 10_003);
  clock.advance(5);
  assert.match(log.text, /the oldest were dropped.*"count":4/);
  receiver.answer = (response) => response.writeHead(204).end();
  clock.advance(1_000);
  const versions: number[] = [];
  for (let page = await receiver.next(); ; page = await receiver.next()) {
    assert.equal(page.json.missed, versions.length === 0 ? 4 : undefined);
    versions.push(...page.json.events.map(({ version }: { version: number }) => version));
    if (page.json.version === 10_004) break;
  }
  assert.deepEqual(
    versions,
    Array.from({ length: 10_000 }, (_, n) => n + 5),
  );
});

test('after closing no timer is left, whether or not a write was due', async (t) => {
  for (const file of [undefined, fileOf(t, 'webhooks.db')]) {
    const receiver = await Receiver.start(t);
    receiver.answer = (response) => response.writeHead(500).end();
    const { hub, clock, log, webhooks } = await square(t, [receiver], { ...(file && { file }) });
    const ana = await come(hub, 'ana', 'chat:42');
    clock.advance(5);
    await receiver.next();
    await until(() => clock.pending === 1, 'the next attempt waits');
    ana.lost(); // waits for them to come back
    await come(hub, 'luis'); // waits for the next write
    const before = log.lines.length;
    await webhooks.close();
    clock.advance(3_600_000);
    assert.equal(log.lines.length, before);
    await hub.close();
    assert.equal(clock.pending, 0);
  }
});

test('a change of webhooks loses and repeats nothing for those that stay, and ends the removed ones', async (t) => {
  const [stays, leaves, comes] = [await Receiver.start(t), await Receiver.start(t), await Receiver.start(t)];
  const { hub, clock, webhooks, log } = await square(t, [stays, leaves]);
  const config = (urls: string[], more: object = {}) =>
    configSchema.parse({ webhooks: urls.map((url) => ({ url, secret: SECRET, ...more })) }).webhooks;
  leaves.answer = (response) => response.writeHead(500).end();
  const ana = await come(hub, 'ana', 'chat:42');
  clock.advance(5);
  assert.equal((await stays.told()).length, 2);
  await leaves.next();
  await until(() => log.lines.length === 1, 'the log has a line');
  await come(hub, 'luis'); // not written yet
  ana.lost(); // not told yet
  (await webhooks.prepare(config([stays.url, comes.url], { events: ['online', 'offline', 'published'] }))).commit();
  clock.advance(5);
  assert.deepEqual(await stays.told(), [['online', 'luis']]);
  assert.deepEqual(await comes.told(), [['online', 'luis']], 'who is here is news to a new one');
  clock.advance(1_000);
  clock.advance(5);
  assert.deepEqual(await stays.told(), [['offline', 'ana']]);
  await hub.publish('chat:42', 'hola');
  clock.advance(5);
  const { json, headers } = await stays.next();
  assert.deepEqual([json.events[0].type, json.missed], ['published', undefined]);
  assert.ok(headers['x-zocalo-signature']);
  clock.advance(600_000);
  await turn();
  assert.equal(leaves.unheard, 0);
  assert.match(log.text, /no longer configured.*"count":3/);
});

test('a webhook that gets a new secret while it refuses is tried again at once', async (t) => {
  const receiver = await Receiver.start(t);
  const { hub, clock, webhooks } = await square(t, [receiver]);
  receiver.answer = (response) => response.writeHead(401).end();
  await come(hub, 'ana');
  clock.advance(5);
  await receiver.next();
  await until(() => clock.pending === 1, 'the next attempt waits');
  receiver.answer = (response) => response.writeHead(204).end();
  const secret = 'another secret of daemon and application';
  (await webhooks.prepare(configSchema.parse({ webhooks: [{ url: receiver.url, secret }] }).webhooks)).commit();
  const { body, headers } = await receiver.next();
  const [, seconds, given] = /^t=(\d+),v1=(.*)$/.exec(String(headers['x-zocalo-signature']))!;
  assert.equal(given, createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'));
});

test('events that cannot be stored now are stored later', async (t) => {
  const receiver = await Receiver.start(t);
  const file = fileOf(t, 'webhooks.db');
  const { hub, clock, log } = await square(t, [receiver], { file });
  const database = new DatabaseSync(file);
  database.exec('ALTER TABLE events RENAME TO elsewhere');
  await come(hub, 'ana');
  clock.advance(5);
  assert.match(log.text, /error events for webhooks cannot be stored/);
  database.exec('ALTER TABLE elsewhere RENAME TO events');
  database.close();
  clock.advance(1_000);
  assert.deepEqual(await receiver.told(), [['online', 'ana']]);
});

test('without webhooks nothing is opened, and a file that is not a backlog is refused', async (t) => {
  const { webhooks } = await square(t, [], { file: '/nowhere/webhooks.db' });
  await webhooks.close();
  await assert.rejects(square(t, [await Receiver.start(t)], { file: '/nowhere/webhooks.db' }), {
    code: 'STORE_FAILED',
  });
});

test('a webhook that is down while events keep coming writes few log lines, which report all dropped events', async (t) => {
  const gone = 'http://127.0.0.1:1/';
  const { hub, clock, log, webhooks } = await square(t, [{ url: gone } as Receiver], {
    webhook: { events: ['published'] },
  });
  const published = 12_000;
  const PIECE = 100;
  for (let n = 0; n < published; n += PIECE) {
    for (let i = 0; i < PIECE; i++) await hub.publish('news', i, { keep: false });
    clock.advance(5); // is written, and from the ten-thousandth on the oldest are let go each time
  }
  await webhooks.close();
  const told = log.lines.filter(({ sentence }) => sentence.includes('too many events'));
  const letGo = told.map(({ fields }) => Number(fields.count)).reduce((sum, count) => sum + count, 0);
  assert.equal(letGo, published - 10_000);
  assert.equal(told.length, 2);
  assert.ok(log.lines.length < 20, log.text);
});
