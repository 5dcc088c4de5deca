import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Daemon } from '../../../src/server/daemon.ts';
import { assemble } from '../../../src/server/parts.ts';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { configOf } from '../../support/config.ts';
import { HttpPeer } from '../../support/http-peer.ts';
import { heldMemory } from '../../support/memory.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { until } from '../../support/until.ts';
import { PortTransport } from './toy-transport/index.ts';

interface Place {
  readonly daemon: Daemon;
  readonly ports: PortTransport;
}

/** The other side of a transport. */
interface Peer {
  /** Undefined for a transport that only listens. */
  readonly say?: (text: string) => void;
  /** Takes nothing more from its socket until the promise resolves. Undefined where nothing tells how much waits. */
  readonly pause?: (until: Promise<void>) => void;
}

/** Joins a channel, and tells of all that comes, the last word among it. */
type Join = (place: Place, channel: string, heard: (text: string) => void, t: TestContext) => Peer | Promise<Peer>;

/** Reads what comes piece by piece, and can stop reading. */
function reading(pieces: AsyncIterable<unknown>, heard: (text: string) => void): Required<Pick<Peer, 'pause'>> {
  let paused: Promise<void> | undefined;
  const read = async () => {
    for await (const piece of pieces) {
      heard(String(piece));
      await paused;
    }
  };
  void read().catch(() => {}); // a stream that was aborted
  return {
    pause: (until) => {
      paused = until;
    },
  };
}

async function webSocket(
  { daemon }: Place,
  path: string,
  protocols: string[],
  heard: (text: string) => void,
  t: TestContext,
) {
  const client = await connectWebSocket(daemon.addresses[0]!.replace('http', 'ws') + path, {
    protocols,
    compression: false,
  });
  t.after(() => client.close());
  void client.closed.then(({ reason }) => heard(reason));
  return { client, ...reading(client, heard) };
}

const TRANSPORTS: Readonly<Record<string, Join>> = {
  'the protocol on a WebSocket': async (place, channel, heard, t) => {
    const { client, pause } = await webSocket(place, '/', ['zocalo.1'], heard, t);
    client.send(`["hi",1,{}]\n["sub",2,${JSON.stringify(channel)},{}]`);
    return { pause, say: (text) => client.send(JSON.stringify(['pub', 3, channel, text])) };
  },
  'the protocol by requests': async ({ daemon }, channel, heard, t) => {
    const session = await HttpPeer.open(t, daemon.addresses[0]!);
    await session.say(`["hi",1,{}]\n["sub",2,${JSON.stringify(channel)},{}]`);
    const { pause } = reading(session.events, heard);
    return { pause, say: (text) => void session.say(JSON.stringify(['pub', 3, channel, text])) };
  },
  'text on a WebSocket': async (place, channel, heard, t) => {
    const { client, pause } = await webSocket(place, `/${channel}`, [], heard, t);
    return { pause, say: (text) => client.send(text) };
  },
  'raw lines': ({ daemon }, _, heard, t) => {
    const { hostname, port } = new URL(daemon.sourceAddresses.lines![0]!);
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    const { pause } = reading(socket.setEncoding('utf8'), heard);
    return { pause, say: (text) => void socket.write(`${text}\n`) };
  },
  'an event stream': async ({ daemon }, channel, heard, t) => {
    const abort = new AbortController();
    t.after(() => abort.abort());
    const { body } = await fetch(`${daemon.addresses[0]}/sse?channel=${channel}`, { signal: abort.signal });
    return reading(body!.pipeThrough(new TextDecoderStream()), heard);
  },
  'the toy': ({ ports }, channel, heard, t) => {
    const port = ports.connect(channel);
    t.after(() => port.close());
    port.on('message', heard);
    return { say: (text) => port.postMessage(text) };
  },
};

/** A daemon with the toy beside its own transports. */
async function place(t: TestContext, channel: string): Promise<Place> {
  const channels = {
    open: { publish: 'everyone' as const, history: { size: 10_000 } },
    closed: { subscribe: 'nobody' as const },
  };
  const config = configOf({ chat: false, channels, sources: { lines: { lines: 'tcp://127.0.0.1:0', channel } } });
  let ports!: PortTransport;
  const daemon = new Daemon(config, { log: new MemoryLog(), version: '0' }, (config, options) => {
    const assembly = assemble(config, options);
    ports = new PortTransport(assembly.hub);
    return { ...assembly, parts: [...assembly.parts, ports] };
  });
  t.after(() => daemon.stop());
  await daemon.start();
  return { daemon, ports };
}

/** Somebody who joins by a transport, and how to wait for what they hear. */
async function joined(t: TestContext, join: Join, channel: string) {
  const { daemon, ports } = await place(t, channel);
  let all = '';
  let look = (): void => {};
  const heard = (text: string) => {
    all += `${text}\n`;
    look();
  };
  const hears = (text: string) =>
    new Promise<void>((resolve) => {
      look = () => all.includes(text) && resolve();
      look();
    });
  const peer = await join({ daemon, ports }, channel, heard, t);
  /** Publishes until it is heard: nothing says when somebody has begun to hear. */
  const hearsPublished = async (text: string) => {
    let isHeard = false;
    const done = hears(text).then(() => {
      isHeard = true;
    });
    const publish = async () => {
      await daemon.hub.publish(channel, text);
      return isHeard;
    };
    await until(publish, `${text} is heard`);
    await done;
  };
  return { daemon, peer, hears, hearsPublished };
}

/** Joins, and keeps the numbers of the publications that came, and what was said of those that did not. */
async function counting(t: TestContext, where: Place, join: Join) {
  const numbers: number[] = [];
  let rest = '';
  let isTold = false;
  const peer = await join(
    where,
    'open',
    (text) => {
      rest += text;
      isTold ||= /TOO_SLOW|"gap"|"skip"|event: (?:gap|skip)/.test(text);
      const found = [...rest.matchAll(/<(\d+)>/g)];
      numbers.push(...found.map(([, number]) => Number(number)));
      const last = found.at(-1);
      rest = last ? rest.slice(last.index + last[0].length) : rest.slice(-20);
    },
    t,
  );
  return {
    peer,
    numbers,
    get isTold() {
      return isTold;
    },
  };
}

const SIZE = 32_000;
/** A WebSocket's queue of 1 MiB, as much again for what it asks for, what its client has read ahead, and some room. */
const BOUND = 8 * 1024 * 1024;
/** Publications after the reader was found to be slow, more than the bound. */
const MORE = 300;

for (const [name, join] of Object.entries(TRANSPORTS)) {
  test(`${name}: publications are received`, async (t) => {
    const { hearsPublished } = await joined(t, join, 'open');
    await hearsPublished('good morning');
  });

  test(`${name}: messages are published`, async (t) => {
    const { daemon, peer, hearsPublished } = await joined(t, join, 'open');
    if (!peer.say) return;
    await hearsPublished('good morning');
    const published = Promise.withResolvers<unknown>();
    daemon.hub.observe({ onPublished: ({ data }) => published.resolve(data) });
    peer.say('it is me');
    assert.equal(await published.promise, '"it is me"');
  });

  // Lines are a source: they need no right.
  if (name !== 'raw lines')
    test(`${name}: a refusal for a missing right says why`, async (t) => {
      const { hears } = await joined(t, join, 'closed');
      await hears('FORBIDDEN');
      await hears('.subscribe is nobody');
    });

  test(`${name}: when the daemon stops, the last message says so`, async (t) => {
    const { daemon, hears, hearsPublished } = await joined(t, join, 'open');
    await hearsPublished('good morning');
    assert.equal(await daemon.stop(), true);
    await hears('SHUTTING_DOWN');
  });
}

/** But the toy: nothing tells how much waits in a MessagePort. */
const { 'the toy': _, ...BOUNDED } = TRANSPORTS;

for (const [name, join] of Object.entries(BOUNDED)) {
  test(`${name}: a reader that stops reading has a bounded queue, delays no other reader, and is told of every loss`, async (t) => {
    const where = await place(t, 'open');
    const { hub } = where.daemon;
    const friend = await counting(t, where, join);
    const deaf = await counting(t, where, join);
    await until(() => hub.subscribers('open') === 2, 'both are there');
    const reading = Promise.withResolvers<void>();
    deaf.peer.pause!(reading.promise);
    const slow = new Set<string>();
    hub.observe({ onSlow: ({ id }) => slow.add(id) });
    const padding = randomBytes(SIZE / 2).toString('hex');
    let published = 0;
    const before = heldMemory();
    for (let left = MORE; left > 0; left -= slow.size) {
      const n = ++published;
      await hub.publish('open', `<${n}>${padding}`);
      await until(() => friend.numbers.at(-1) === n, `the other reader has heard ${n}`);
      if (n % 50 > 0) continue;
      const queued = heldMemory() - before - n * SIZE; // beside the log
      assert.ok(queued < BOUND, `${queued} bytes are held for a reader that does not read`);
    }
    assert.equal(slow.size, 1, 'only one of them is slow');
    reading.resolve();
    await until(() => deaf.isTold || deaf.numbers.at(-1) === published, 'it has heard all, or why not');
    for (const { numbers } of [friend, deaf])
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => numbers[0]! + index),
        'in order and without a hole',
      );
    assert.equal(friend.isTold, false);
  });
}
