import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { SUBPROTOCOL } from '../../src/protocol/index.ts';
import { connectWebSocket } from '../../src/websocket/index.ts';
import { temporary } from '../contract/brokers.ts';
import { API_KEY } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { jsonText, squeezed } from '../support/json-texts.ts';
import { until } from '../support/until.ts';

/** The one channel: the raw lines have it too. */
const CHANNEL = 'f';

/** What came to one reader, to be taken in order. */
class Tape {
  #parts: string[] = [];
  #wake = (): void => {};

  put(part: string): void {
    this.#parts.push(part);
    this.#wake();
  }

  async take(count: number): Promise<string[]> {
    while (this.#parts.length < count)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#parts.splice(0, count);
  }

  /** So many characters, whatever parts they came in. */
  async takeText(length: number): Promise<string> {
    let text = '';
    while (text.length < length) text += (await this.take(1))[0];
    return text;
  }
}

/** Splits what comes in pieces at a separator. */
function splitter(separator: string, put: (part: string) => void): (piece: string) => void {
  let rest = '';
  return (piece) => {
    const parts = (rest + piece).split(separator);
    rest = parts.pop()!;
    for (const part of parts) put(part);
  };
}

/** Everything that can be read of a daemon, each as the bytes that came. */
async function start(t: TestContext, store: string) {
  const webhook = new Tape();
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.writeHead(204).end();
    webhook.put(Buffer.concat(chunks).toString());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  const { daemon, url, client } = await startDaemon(t, {
    store,
    channels: { '*': { publish: 'everyone', patterns: true, history: { size: 100_000 } } },
    limits: { messagesPerSecond: 1_000_000, bytesPerSecond: '1GiB' },
    sources: { lines: { lines: 'tcp://127.0.0.1:0', channel: CHANNEL } },
    webhooks: [
      {
        url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
        secret: 'a secret between daemon and application',
        events: ['published'],
      },
    ],
  });
  const ws = url.replace('http', 'ws');
  const socket = async (what: 'protocol' | 'text', tape: Tape, ...lines: string[]) => {
    const protocols = what === 'protocol' ? { protocols: [SUBPROTOCOL] } : {};
    const opened = await connectWebSocket(what === 'protocol' ? ws : `${ws}/${CHANNEL}`, protocols);
    t.after(() => opened.terminate());
    for (const line of lines) opened.send(line);
    void (async () => {
      for await (const frame of opened)
        for (const line of what === 'text' ? [String(frame)] : String(frame).split('\n')) tape.put(line);
    })();
    return opened;
  };
  const stream = async (query: string, tape: Tape) => {
    const request = get(`${url}/sse?channel=${CHANNEL}&recent=1${query}`, { agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    t.after(() => request.destroy());
    response.on('error', () => {});
    const feed = splitter('\n\n', (block) => {
      const data = block.split('\n').find((line) => line.startsWith('data: '));
      if (data !== undefined && !block.startsWith('event: ')) tape.put(data.slice(6));
    });
    response.setEncoding('utf8').on('data', feed);
  };
  const api = async (method: string, path: string, body?: string) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${API_KEY}` },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${body}: ${text}`);
    return text;
  };
  return { daemon, url, client: client(), socket, stream, api, webhook };
}

/** What somebody sees of it who knows only text. */
function shown(data: string): string {
  const text: unknown = JSON.parse(data);
  return typeof text === 'string' && text.isWellFormed() ? text : data;
}

const escapes = fc.constantFrom('data', '\\u0064ata', 'd\\u0061t\\u0061');
/** One publication: how it goes in, and the text that is to come out. */
const publication = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('publish', 'broadcast', 'batch', 'line'), jsonText, escapes, jsonText)
      .map(([way, text, name, other]) => ({ way, text, name, other, out: squeezed(text) })),
  },
  {
    weight: 1,
    arbitrary: fc.jsonValue({ maxDepth: 4 }).map((value) => {
      const out = JSON.stringify(value);
      return { way: 'sdk', text: out, name: '', other: '', out };
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('text', 'raw line'), fc.string({ unit: 'grapheme', maxLength: 30 }))
      .map(([way, line]) => [way, `> ${line.replace(/[\r\n]/g, '')}`] as const)
      .map(([way, line]) => ({ way, text: line, name: '', other: '', out: JSON.stringify(line) })),
  },
);

for (const kind of ['memory', 'sqlite']) {
  test(`any JSON that goes into the store ${kind} comes out of every reader as the same text`, async (t) => {
    const store = kind === 'memory' ? 'memory:' : `sqlite:${join(temporary(t), 'zocalo.db')}`;
    const { daemon, client, socket, stream, api, webhook } = await start(t, store);
    const lines = connectSocket(
      Number(new URL(daemon.sourceAddresses.lines![0]!.replace('tcp', 'http')).port),
      '127.0.0.1',
    );
    t.after(() => lines.destroy());
    const tapes = {
      answers: new Tape(),
      named: new Tape(),
      pattern: new Tape(),
      text: new Tape(),
      bare: new Tape(),
      full: new Tape(),
      raw: new Tape(),
    };
    lines.setEncoding('utf8').on('data', (text: string) => tapes.raw.put(text));
    const peer = await socket('protocol', tapes.answers, '["hi",1]');
    await socket('protocol', tapes.named, '["hi",1]', `["sub",2,"${CHANNEL}"]`);
    await socket('protocol', tapes.pattern, '["hi",1]', '["sub",2,"*"]');
    const writer = await socket('text', new Tape());
    await socket('text', tapes.text);
    await stream('', tapes.bare);
    await stream('&meta=true', tapes.full);
    await tapes.answers.take(1);
    // From what all of them have heard, everything counts.
    const { hub } = daemon;
    const isThere = () => hub.connections.filter(({ channels }) => channels.length > 0).length === 7;
    await until(isThere, 'the reader is there');
    const [epoch] = (await hub.publish(CHANNEL, 'begin'))!;
    let offset = 1;
    const { answers: _, ...readers } = tapes;
    for (const tape of Object.values(readers)) while (!(await tape.take(1))[0]!.includes('begin'));
    await webhook.take(1);

    let id = 1;
    const put = async ({ way, text, name, other }: { way: string; text: string; name: string; other: string }) => {
      const members = `"${name}" : ${other} ,"channel":"${CHANNEL}", "data":${text}`;
      if (way === 'publish') await api('POST', '/api/publish', ` {${members} }\n`);
      else if (way === 'broadcast')
        await api('POST', '/api/broadcast', `{"channels":["${CHANNEL}"],\n"data":null,"${name}":${text}}`);
      else if (way === 'batch') await api('POST', '/api/batch', `[ {${members}}\n]`);
      else if (way === 'sdk') await client.publish(CHANNEL, JSON.parse(text));
      else if (way === 'text') writer.send(text);
      else if (way === 'raw line') lines.write(`${text}\n`);
      else {
        peer.send(`["pub",${++id},"${CHANNEL}",${text.replaceAll('\n', ' ')}]`);
        assert.match((await tapes.answers.take(1))[0]!, /^\["ok"/);
      }
    };

    const run = async (publications: { way: string; text: string; name: string; other: string; out: string }[]) => {
      const before = offset;
      for (const one of publications) {
        await put(one);
        // Of those that have no answer, somebody hears: so all stay in order.
        const [line] = await tapes.named.take(1);
        offset++;
        const [, number] = /^\["m",(\d+),/.exec(line!)!;
        const start = `["m",${number},${offset},${one.out},`;
        assert.ok(line!.startsWith(start), `${line} does not begin with ${start}`);
        assert.deepEqual(Object.keys(JSON.parse(line!.slice(start.length, -1))).at(-1), 'time');
        assert.equal((await tapes.pattern.take(1))[0], line, 'by a pattern');
        assert.equal((await tapes.bare.take(1))[0], one.out, 'an event');
        const [full] = await tapes.full.take(1);
        assert.ok(full!.startsWith(`{"channel":"${CHANNEL}","data":${one.out},`), `${full}: an event with its meta`);
        if (one.way !== 'text') assert.equal((await tapes.text.take(1))[0], shown(one.out), 'as text');
        else assert.equal((await tapes.text.take(1))[0], one.text, 'from text to text');
        const raw = `${shown(one.out)}\n`;
        if (one.way !== 'raw line') assert.equal(await tapes.raw.takeText(raw.length), raw, 'a raw line');
        const [body] = await webhook.take(1);
        const { id, version, events } = JSON.parse(body!);
        const { data: _, ...event } = events[0];
        const told = JSON.stringify(event).slice(0, -1);
        assert.equal(body, `{"id":"${id}","version":${version},"events":[${told},"data":${one.out}}]}`);
      }
      await looked(publications, before);
    };

    /** The history, by both ways, and a reader who comes late. */
    const looked = async (publications: readonly { out: string }[], before: number) => {
      const text = await api('GET', `/api/history?channel=${CHANNEL}&limit=1000&at=${epoch}:${before}`);
      const { oldest, head, entries } = JSON.parse(text);
      const metas = entries.map(([, , meta]: unknown[]) => JSON.stringify(meta));
      const parts = publications.map(({ out }, at) => `[${before + at + 1},${out},${metas[at]}]`);
      const history = `{"epoch":"${epoch}","oldest":${oldest},"head":${head},"entries":[${parts.join()}]}`;
      assert.equal(text, history);
      peer.send(`["get",${++id},"history","${CHANNEL}",{"at":["${epoch}",${before}],"limit":1000}]`);
      assert.equal((await tapes.answers.take(1))[0], `["ok",${id},${history}]`);
      const late = new Tape();
      const reader = await socket('protocol', late, '["hi",1]', `["sub",2,"${CHANNEL}",{"at":["${epoch}",${before}]}]`);
      const [, , ...lines] = await late.take(2 + publications.length);
      const [, number] = /^\["m",(\d+),/.exec(lines[0]!)!;
      assert.deepEqual(
        lines,
        publications.map(({ out }, at) => `["m",${number},${before + at + 1},${out},${metas[at]}]`),
      );
      reader.terminate();
    };

    await fc.assert(
      fc.asyncProperty(fc.array(publication, { minLength: 1, maxLength: 30 }), run),
      // A failure leaves the readers where it happened: to shrink it would begin in the middle.
      { numRuns: 20, endOnFailure: true },
    );
  });
}
