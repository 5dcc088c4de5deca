import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Daemon } from '../../../src/server/daemon.ts';
import { assemble } from '../../../src/server/parts.ts';
import { configOf, MemoryLog } from '../../support/daemon.ts';
import { PortTransport } from './toy-transport/index.ts';

interface Place {
  readonly daemon: Daemon;
  readonly ports: PortTransport;
}

/** The other side of a transport. */
interface Peer {
  /** Undefined for a transport that only listens. */
  readonly say?: (text: string) => void;
}

/** Joins a channel, and tells of all that comes, the last word among it. */
type Join = (place: Place, channel: string, heard: (text: string) => void, t: TestContext) => Peer | Promise<Peer>;

function webSocket(
  { daemon }: Place,
  path: string,
  protocols: string[],
  heard: (text: string) => void,
  t: TestContext,
) {
  const socket = new WebSocket(daemon.addresses[0]!.replace('http', 'ws') + path, protocols);
  t.after(() => socket.close());
  socket.onmessage = ({ data }) => heard(data);
  socket.onclose = ({ reason }) => heard(reason);
  return socket;
}

const TRANSPORTS: Readonly<Record<string, Join>> = {
  'the protocol on a WebSocket': (place, channel, heard, t) => {
    const socket = webSocket(place, '/', ['zocalo.1'], heard, t);
    socket.onopen = () => socket.send(`["hi",1,{}]\n["sub",2,${JSON.stringify(channel)},{}]`);
    return { say: (text) => socket.send(JSON.stringify(['pub', 3, channel, text])) };
  },
  'text on a WebSocket': (place, channel, heard, t) => {
    const socket = webSocket(place, `/${channel}`, [], heard, t);
    return { say: (text) => socket.send(text) };
  },
  'raw lines': ({ daemon }, _, heard, t) => {
    const { hostname, port } = new URL(daemon.lineAddresses[0]!);
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    socket.setEncoding('utf8').on('data', heard);
    return { say: (text) => void socket.write(`${text}\n`) };
  },
  'an event stream': async ({ daemon }, channel, heard, t) => {
    const abort = new AbortController();
    t.after(() => abort.abort());
    const { body } = await fetch(`${daemon.addresses[0]}/sse?channel=${channel}`, { signal: abort.signal });
    const read = async () => {
      for await (const chunk of body!.pipeThrough(new TextDecoderStream())) heard(chunk);
    };
    void read().catch(() => {});
    return {};
  },
  'the toy': ({ ports }, channel, heard, t) => {
    const port = ports.connect(channel);
    t.after(() => port.close());
    port.on('message', heard);
    return { say: (text) => port.postMessage(text) };
  },
};

/** A daemon, somebody who joins by a transport, and how to wait for what they hear. */
async function joined(t: TestContext, join: Join, channel: string) {
  const channels = { open: { publish: 'everyone' as const }, closed: { subscribe: 'nobody' as const } };
  const config = configOf({ chat: false, channels, lines: { listen: 'tcp://127.0.0.1:0', channel } });
  let ports!: PortTransport;
  const daemon = new Daemon(config, { log: new MemoryLog(), version: '0' }, (config, options) => {
    const assembly = assemble(config, options);
    ports = new PortTransport(assembly.hub);
    return { ...assembly, parts: [...assembly.parts, ports] };
  });
  t.after(() => daemon.stop());
  await daemon.start();
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
    while (!isHeard) {
      await daemon.hub.publish(channel, text);
      await new Promise(setImmediate);
    }
    await done;
  };
  return { daemon, peer, hears, hearsPublished };
}

for (const [name, join] of Object.entries(TRANSPORTS)) {
  test(`${name}: what is published is heard`, async (t) => {
    const { hearsPublished } = await joined(t, join, 'open');
    await hearsPublished('good morning');
  });

  test(`${name}: what is said is published`, async (t) => {
    const { daemon, peer, hearsPublished } = await joined(t, join, 'open');
    if (!peer.say) return;
    await hearsPublished('good morning');
    const published = Promise.withResolvers<unknown>();
    daemon.hub.observe({ onPublished: ({ data }) => published.resolve(data) });
    peer.say('it is me');
    assert.equal(await published.promise, '"it is me"');
  });

  test(`${name}: without the right, the refusal says why`, async (t) => {
    const { hears } = await joined(t, join, 'closed');
    await hears('FORBIDDEN');
    await hears('.subscribe is nobody');
  });

  test(`${name}: when the daemon stops, the last word says so`, async (t) => {
    const { daemon, hears, hearsPublished } = await joined(t, join, 'open');
    await hearsPublished('good morning');
    assert.equal(await daemon.stop(), true);
    await hears('SHUTTING_DOWN');
  });
}
