import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { connect, listen, type StreamSocket } from '../../../src/stream/index.ts';
import { freePort } from '../../support/free-port.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { fileOf } from '../auth/auth-fixture.ts';
import type { Case, Cases, Place } from './place.ts';
import { filesOf, issue } from './tls-files.ts';

const JSON_LINES = { frame: 'lines', decode: { kind: 'json' } };
let count = 0;

/** A source that listens on a Unix socket. */
function base(t: TestContext, more: object = {}): { readonly sources: { readonly shop: object } } {
  return { sources: { shop: { listen: `unix:${fileOf(t, 'devices')}`, frame: 'lines', channel: 'c:row', ...more } } };
}

/** Where the source listens, as soon as it does. */
async function open({ daemon }: Place): Promise<string> {
  await until(() => daemon.sourceAddresses.shop !== undefined, 'the source listened');
  return daemon.sourceAddresses.shop![0]!;
}

async function device(place: Place, tls: object = {}): Promise<StreamSocket> {
  const socket = await connect(await open(place), tls);
  socket.on('error', () => {});
  return socket;
}

async function entries({ daemon: { hub } }: Place, channel = 'c:row'): Promise<readonly unknown[]> {
  return (await hub.history(channel, { limit: 1_000 })).entries.map(([, data]) => data);
}

/** What is published in the channel when devices, one after the other, have sent this, until `isEnough`. */
async function heard(
  place: Place,
  texts: readonly string[],
  isEnough: (data: readonly unknown[]) => boolean = (data) => data.length > 0,
  channel?: string,
): Promise<readonly unknown[]> {
  const before = (await entries(place, channel)).length;
  const sockets: StreamSocket[] = [];
  for (const text of texts) {
    const socket = await device(place);
    sockets.push(socket);
    socket.write(text);
  }
  let data: readonly unknown[] = [];
  await until(async () => {
    data = (await entries(place, channel)).slice(before);
    return isEnough(data);
  }, `enough of ${texts} was published`);
  for (const socket of sockets) socket.destroy();
  return data;
}

/** Whether the reading of a new connection is taken; `first` connects before. */
async function outcome(place: Place, tls?: object): Promise<'taken' | 'refused'> {
  const before = (await entries(place)).length;
  const socket = await device(place, tls).catch(() => undefined);
  if (!socket) return 'refused';
  socket.resume().write('hello\n');
  let isTaken = false;
  await until(async () => {
    isTaken = (await entries(place)).length > before;
    return isTaken || socket.destroyed || socket.readableEnded;
  }, 'it was taken or refused');
  socket.destroy();
  return isTaken ? 'taken' : 'refused';
}

const isEnd = (data: readonly unknown[]) => data.includes('end');

function pem(key: 'cert' | 'key') {
  return (t: TestContext): Case => {
    const both = [issue(t), issue(t)] as const;
    return {
      base: base(t, { listen: 'tls://127.0.0.1:0' }),
      values: [filesOf(both[0]), filesOf(both[1])],
      sees: [`${key} ${both[0].print}`, `${key} ${both[1].print}`],
      look: async (place) => {
        for (const { pem, print } of both) {
          const socket = await device(place, { ca: pem.cert, servername: 'localhost' }).catch(() => undefined);
          socket?.destroy();
          if (socket) return `${key} ${print}`;
        }
        return 'neither';
      },
    };
  };
}

/** What the sources of devices take from a reload. */
export const DEVICE_CASES: Cases = {
  'sources.*.lines': async () => {
    const [one, two] = [await freePort(), await freePort()].map((port) => `tcp://127.0.0.1:${port}`);
    return {
      base: { sources: { shop: { channel: 'c:row' } } },
      values: [one, two],
      sees: [one, two],
      look: open,
    };
  },
  'sources.*.listen': (t) => {
    const [one, two] = [`unix:${fileOf(t, 'one')}`, `unix:${fileOf(t, 'two')}`];
    return {
      base: base(t),
      values: [one, two],
      sees: [one, two],
      look: async (place) => (await open(place)).replace('//', ''),
    };
  },
  'sources.*.dial': async (t) => {
    const at = async (name: string) => {
      const server = await listen(`unix:${fileOf(t, name)}`);
      t.after(() => server.close({ grace: 0 }));
      void (async () => {
        for await (const socket of server) {
          socket.resume().write(`${name}\n`);
          socket.once('end', () => socket.end());
        }
      })();
      return server.addresses[0]!;
    };
    let seen = 0;
    return {
      base: base(t, { listen: undefined }),
      values: [await at('one'), await at('two')],
      sees: ['one', 'two'],
      look: async (place) => {
        let calls: readonly unknown[] = [];
        await until(async () => {
          place.clock.advance(10);
          calls = await entries(place);
          return calls.length > seen;
        }, 'one was called');
        seen = calls.length;
        return calls.at(-1);
      },
    };
  },
  'sources.*.frame': (t) => ({
    base: base(t),
    values: ['lines', { kind: 'delimiter', delimiter: ';' }],
    sees: ['a;b', 'a'],
    look: async (place) => (await heard(place, ['a;b\n']))[0],
  }),
  'sources.*.decode': (t) => ({
    base: base(t),
    values: [{ kind: 'text' }, { kind: 'hex' }],
    sees: ['a', '61'],
    look: async (place) => (await heard(place, ['a\n']))[0],
  }),
  'sources.*.channel': (t) => ({
    base: base(t, JSON_LINES),
    values: ['c:{a}', 'c:{b}'],
    sees: ['one', 'two'],
    look: async (place) => {
      const before = await Promise.all(['c:one', 'c:two'].map((name) => entries(place, name)));
      const socket = await device(place);
      socket.write('{"a":"one","b":"two"}\n');
      let found = -1;
      await until(async () => {
        const after = await Promise.all(['c:one', 'c:two'].map((name) => entries(place, name)));
        found = after.findIndex(({ length }, index) => length > before[index]!.length);
        return found >= 0;
      }, 'it was published');
      socket.destroy();
      return ['one', 'two'][found];
    },
  }),
  'sources.*.commands': (t) => ({
    base: base(t, { ...JSON_LINES, device: '{id}' }),
    values: ['c:one:{device}', 'c:two:{device}'],
    sees: ['one', 'two'],
    look: async (place) => {
      const id = `device${++count}`;
      const { hub } = place.daemon;
      await Promise.all(['one', 'two'].map((name) => hub.publish(`c:${name}:${id}`, name)));
      const socket = await device(place);
      socket.write(`{"id":"${id}"}\n`);
      const [command] = await once(socket, 'data');
      socket.destroy();
      return String(command).trim();
    },
  }),
  'sources.*.state': (t) => ({
    base: base(t, { ...JSON_LINES, device: '{id}' }),
    values: ['c:one:{device}', 'c:two:{device}'],
    sees: ['one', 'two'],
    look: async (place) => {
      const id = `device${++count}`;
      const socket = await device(place);
      socket.write(`{"id":"${id}"}\n`);
      let found: string | undefined;
      await until(async () => {
        for (const name of ['one', 'two']) if ((await entries(place, `c:${name}:${id}`)).length > 0) found = name;
        return found !== undefined;
      }, 'it was said to be here');
      socket.destroy();
      return found;
    },
  }),
  'sources.*.data': (t) => ({
    base: base(t, JSON_LINES),
    values: ['{a}', '{b}'],
    sees: ['one', 'two'],
    look: async (place) => (await heard(place, ['{"a":"one","b":"two"}\n']))[0],
  }),
  'sources.*.device': (t) => ({
    base: base(t, { ...JSON_LINES, data: '{device}' }),
    values: ['{a}', '{b}'],
    sees: ['one', 'two'],
    look: async (place) => (await heard(place, ['{"a":"one","b":"two"}\n']))[0],
  }),
  'sources.*.key': (t) => ({
    base: base(t, { ...JSON_LINES, data: '{data}' }),
    values: ['{a}', '{a}-{b}'],
    sees: [1, 2],
    look: async (place) => {
      const a = ++count;
      const line = (b: number, data: string, key = `${a}`) => `${JSON.stringify({ a: key, b, data })}\n`;
      const text = line(1, 'same') + line(2, 'same') + line(3, 'end', `${a}.`);
      return (await heard(place, [text], isEnd)).length - 1;
    },
  }),
  'sources.*.reply': (t) => ({
    base: base(t),
    values: ['one', 'two'],
    sees: ['one', 'two'],
    look: async (place) => {
      const socket = await device(place);
      socket.write('hello\n');
      const [answer] = await once(socket, 'data');
      socket.destroy();
      return String(answer);
    },
  }),
  'sources.*.only': (t) => ({
    base: base(t),
    values: ['changed', undefined],
    sees: [1, 2],
    look: async (place) => (await heard(place, ['same\nsame\nend\n'], isEnd)).length - 1,
  }),
  'sources.*.ids': (t) => ({
    base: base(t, { ...JSON_LINES, device: '{id}', data: '{id}' }),
    values: [['one', 7], ['two']],
    sees: ['one', 'two'],
    look: async (place) => (await heard(place, ['{"id":"one"}\n', '{"id":"two"}\n']))[0],
  }),
  'sources.*.addresses': (t) => ({
    base: base(t, { listen: 'tcp://127.0.0.1:0' }),
    values: [['127.0.0.0/8'], ['192.0.2.1']],
    sees: ['taken', 'refused'],
    look: (place) => outcome(place),
  }),
  'sources.*.connections': (t) => ({
    base: base(t),
    values: [1, 2],
    sees: ['refused', 'taken'],
    look: async (place) => {
      const before = (await entries(place)).length;
      const first = await device(place);
      first.write('hello\n');
      await until(async () => (await entries(place)).length > before, 'the first one was heard');
      const second = await outcome(place);
      first.destroy();
      return second;
    },
  }),
  'sources.*.silence': (t) => ({
    base: base(t),
    values: ['1s', '9s'],
    sees: [true, false],
    look: async (place) => {
      const before = (await entries(place)).length;
      const socket = await device(place);
      socket.resume().write('hello\n');
      await until(async () => (await entries(place)).length > before, 'it was heard');
      place.clock.advance(2_000);
      const other = await outcome(place); // the end of the first one comes before its beginning
      const isOver = socket.destroyed || socket.readableEnded;
      socket.destroy();
      return other === 'taken' && isOver;
    },
  }),
  'sources.*.giveUp': (t) => ({
    base: base(t, { frame: { kind: 'length' }, decode: { kind: 'hex' } }),
    values: ['1s', '9s'],
    sees: ['000141', '00055a00014100'],
    look: async (place) => {
      const before = (await entries(place)).length;
      const socket = await device(place);
      socket.write(Buffer.from('00014200055a', 'hex'));
      await until(async () => (await entries(place)).length > before, 'the first frame was heard');
      for (let times = 0; times < 20; times++) {
        await turn();
        place.clock.advance(100);
      }
      socket.write(Buffer.from('000141000141', 'hex'));
      await until(async () => (await entries(place)).length > before + 1, 'the next frame was heard');
      socket.destroy();
      return (await entries(place))[before + 1];
    },
  }),
  'sources.*.tls.cert': pem('cert'),
  'sources.*.tls.key': pem('key'),
  'sources.*.tls.ca': (t) => {
    const [own, other] = [issue(t), issue(t)];
    return {
      base: base(t, { listen: 'tls://127.0.0.1:0' }),
      values: [
        { ...filesOf(own), ca: own.cert },
        { ...filesOf(own), ca: other.cert },
      ],
      sees: ['taken', 'refused'],
      look: (place) => outcome(place, { ...own.pem, ca: own.pem.cert, servername: 'localhost' }),
    };
  },
};
