import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { API_KEY, type ConfigInput, configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';
import { application, fileOf } from '../auth/auth-fixture.ts';

const PUBLICATIONS = 3_000;
const RELOADS = 20;

for (const kind of ['memory', 'sqlite'])
  test(`reloads under load lose nothing, for a client, an event stream, a text reader and a webhook (${kind})`, async (t) => {
    const told = new Map<number, number>();
    let missed = 0;
    const receiver = await application(t, ({ body }, response) => {
      const delivery = JSON.parse(body);
      missed += delivery.missed ?? 0;
      for (const { version, data } of delivery.events) told.set(version, data);
      response.writeHead(204).end();
    });
    const store = kind === 'memory' ? 'memory:' : `sqlite:${fileOf(t, 'square.db')}`;
    /** Each reload changes something of every part that it can change, and the webhook never loses its events. */
    const input = (n: number): ConfigInput => ({
      store,
      secret: String(n % 10).repeat(32),
      channels: { news: { publish: 'everyone', history: { size: 10_000 }, maxData: 1_000 + n }, [`other:${n}`]: {} },
      auth: { anonymous: true, jwt: n % 2 ? { jwks: `http://127.0.0.1:${1_000 + n}/` } : undefined },
      api: { keys: [{ name: `key ${n}`, key: API_KEY, can: ['publish'] }], maxBody: 100_000 + n },
      webhooks: [
        { url: receiver, secret: `${n % 7}`.repeat(32), events: ['published'], channels: n % 2 ? ['*'] : ['news'] },
        ...(n % 3 ? [{ url: `http://127.0.0.1:1/${n}`, secret: 'w'.repeat(32) }] : []),
      ],
      drain: { spread: n },
      log: { level: n % 2 ? 'info' : 'warn' },
    });
    const { daemon, url, client, call } = await startDaemon(t, input(0));

    const numbers = Array.from({ length: PUBLICATIONS }, (_, n) => n);
    const news = client().subscribe('news');
    await new Promise((resolve) => news.on('live', resolve));
    const byClient: unknown[] = [];
    const clientDone = (async () => {
      for await (const { data } of news) if (byClient.push(data) === PUBLICATIONS) return;
    })();
    const text = await connectWebSocket(`${url.replace('http', 'ws')}/news`);
    t.after(() => text.terminate());
    const byText: unknown[] = [];
    const textDone = (async () => {
      for await (const line of text) if (byText.push(Number(line)) === PUBLICATIONS) return;
    })();
    const stop = new AbortController();
    t.after(() => stop.abort());
    const stream = await fetch(`${url}/sse?channel=news`, { signal: stop.signal });
    const byStream: unknown[] = [];
    const streamDone = (async () => {
      let rest = '';
      for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) if (/^data: \{"channel"|^data: \d/.test(line)) byStream.push(numberIn(line));
        if (byStream.length >= PUBLICATIONS) return;
      }
    })();
    await until(() => daemon.hub.subscribers('news') >= 3, 'three are subscribed');

    const publishing = (async () => {
      for (let n = 0; n < PUBLICATIONS; n++)
        if (n % 10 === 0) assert.equal((await call('POST', '/api/publish', { channel: 'news', data: n })).status, 200);
        else await daemon.hub.publish('news', n);
    })();
    for (let n = 1; n <= RELOADS; n++) {
      await daemon.reload(configOf(input(n)));
      // Some publications later.
      const { head } = await daemon.hub.history('news', { limit: 1 });
      const next = Math.min(PUBLICATIONS, head + PUBLICATIONS / (2 * RELOADS));
      await until(
        async () => (await daemon.hub.history('news', { limit: 1 })).head >= next,
        `${next} publications are in the log`,
      );
    }
    await publishing;
    await Promise.all([clientDone, textDone, streamDone]);
    await until(() => told.size >= PUBLICATIONS, 'the webhook was told of all');
    assert.deepEqual(byClient, numbers);
    assert.deepEqual(byText, numbers);
    assert.deepEqual(byStream, numbers);
    assert.deepEqual(
      [...told.entries()].sort(([one], [other]) => one - other).map(([, data]) => data),
      numbers,
    );
    assert.equal(missed, 0);
  });

function numberIn(line: string): number {
  return Number(/(\d+)\}?$/.exec(line)![1]);
}
