import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { listen } from '../../../src/stream/index.ts';
import { turn } from '../../support/turn.ts';
import { until } from '../../support/until.ts';
import { fileOf } from '../auth/auth-fixture.ts';
import type { Case, Cases, Place } from './place.ts';

let count = 0;

/** Lets time pass until a condition holds. */
async function comes(place: Place, condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await until(async () => {
    place.clock.advance(10);
    return condition();
  }, what);
}

async function rows({ daemon: { hub } }: Place): Promise<readonly unknown[]> {
  return (await hub.history('c:row', { limit: 1_000 })).entries.map(([, data]) => data);
}

async function hasLines(place: Place, lines: number): Promise<boolean> {
  const text = await (await place.ask('/metrics')).text();
  return text.includes(`zocalo_source_connections{source="shop"} ${lines}\n`);
}

/** A device that must be asked, and how it was asked by its newest connection. */
async function meter(t: TestContext, { answers }: { readonly answers: boolean }) {
  const server = await listen(`unix:${fileOf(t, 'meter')}`);
  t.after(() => server.close({ grace: 0 }));
  const asked: string[] = [];
  void (async () => {
    for await (const socket of server) {
      asked.length = 0;
      socket.on('data', (chunk: Buffer) => {
        asked.push(String(chunk));
        if (answers) socket.write('1\n');
      });
      socket.once('end', () => socket.end());
    }
  })();
  const base = (poll: object) => ({
    sources: { shop: { dial: server.addresses[0]!, frame: 'lines', channel: 'c:row', poll } },
  });
  return { asked, base };
}

/** Whether a request comes within two seconds of the first one, which an answer or its time limit lets happen. */
async function asksAgain(place: Place, asked: string[]): Promise<boolean> {
  asked.length = 0;
  const before = place.clock.now();
  await comes(place, () => asked.length > 0 && place.clock.now() > before, 'it was asked');
  for (let times = 0; times < 20; times++) await turn();
  const first = asked.length;
  for (let passed = 0; passed < 2_000; passed += 100) {
    place.clock.advance(100);
    for (let times = 0; times < 5; times++) await turn();
  }
  return asked.length > first;
}

interface Seen {
  connect: Buffer | undefined;
  topic: string | undefined;
}

/** As much of a broker as one client needs. */
async function broker(t: TestContext) {
  const server = await listen('tcp://127.0.0.1:0');
  t.after(() => server.close({ grace: 0 }));
  const seen: Seen = { connect: undefined, topic: undefined };
  void (async () => {
    for await (const socket of server) {
      let is5 = true;
      socket.on('data', (bytes: Buffer) => {
        if (bytes[0] === 0x10) {
          is5 = bytes[bytes.indexOf('MQTT') + 4] === 5;
          seen.connect = bytes;
          socket.write(Buffer.from(is5 ? '2003000000' : '20020000', 'hex'));
        } else if (bytes[0] === 0x82) {
          const properties = is5 ? [0] : [];
          socket.write(Buffer.of(0x90, 3 + properties.length, bytes[2]!, bytes[3]!, ...properties, 1));
        } else if (bytes[0] === 0x32) {
          const end = 4 + bytes.readUInt16BE(2);
          seen.topic = String(bytes.subarray(4, end));
          socket.write(Buffer.of(0x40, 2, bytes[end]!, bytes[end + 1]!));
        }
      });
      socket.once('end', () => socket.destroy());
    }
  })();
  return { url: server.addresses[0]!.replace('tcp:', 'mqtt:'), seen };
}

function brokerCase(
  key: 'client' | 'version',
  values: Case['values'],
  sees: Case['sees'],
  read: (connect: Buffer) => unknown,
) {
  return async (t: TestContext): Promise<Case> => {
    const { url, seen } = await broker(t);
    return {
      base: { sources: { shop: { mqtt: `${url}/a`, channel: 'c:row', [key]: undefined } } },
      values,
      sees,
      look: async (place) => {
        await comes(place, () => seen.connect !== undefined, 'it was connected');
        const found = read(seen.connect!);
        seen.connect = undefined;
        return found;
      },
    };
  };
}

/** What the sources of further kinds of devices take from a reload. */
export const KIND_CASES: Cases = {
  'sources.*.file': (t) => {
    const names = ['one', 'two'];
    const paths = names.map((name) => fileOf(t, name));
    return {
      base: { sources: { shop: { frame: 'lines', channel: 'c:row' } } },
      values: [paths[0], paths[1]],
      sees: ['one', 'two'],
      look: async (place) => {
        assert.equal(spawnSync('mkfifo', paths).status, 0);
        const before = (await rows(place)).length;
        await comes(place, () => hasLines(place, 1), 'one was opened');
        const open = paths.map((path) => openSync(path, 'r+'));
        for (const [index, file] of open.entries()) writeSync(file, `${names[index]}\n`);
        await comes(place, async () => (await rows(place)).length > before, 'one was read');
        for (const file of open) closeSync(file);
        for (const path of paths) rmSync(path);
        await comes(place, () => hasLines(place, 0), 'it was noticed that the file is gone');
        return (await rows(place)).at(-1);
      },
    };
  },
  'sources.*.poll.every': async (t) => {
    const { asked, base } = await meter(t, { answers: true });
    return {
      base: base({ send: 'S' }),
      values: ['1s', '9s'],
      sees: [true, false],
      look: (place) => asksAgain(place, asked),
    };
  },
  'sources.*.poll.timeout': async (t) => {
    const { asked, base } = await meter(t, { answers: false });
    return {
      base: base({ send: 'S', every: 1 }),
      values: ['1s', '9s'],
      sees: [true, false],
      look: (place) => asksAgain(place, asked),
    };
  },
  'sources.*.poll.send': async (t) => {
    const { asked, base } = await meter(t, { answers: true });
    return {
      base: base({ every: '1s' }),
      values: ['one', { hex: '74 77 6f' }],
      sees: ['one\n', 'two\n'],
      look: async (place) => {
        const before = (await rows(place)).length;
        await comes(place, async () => (await rows(place)).length > before, 'it was asked');
        return asked.at(-1);
      },
    };
  },
  'sources.*.mqtt': async (t) => {
    const [one, two] = [await broker(t), await broker(t)];
    return {
      base: { sources: { shop: { channel: 'c:row' } } },
      values: [`${one.url}/a`, `${two.url}/a`],
      sees: ['one', 'two'],
      look: async (place) => {
        await comes(place, () => (one.seen.connect ?? two.seen.connect) !== undefined, 'one was connected');
        const found = one.seen.connect ? 'one' : 'two';
        one.seen.connect = two.seen.connect = undefined;
        return found;
      },
    };
  },
  'sources.*.client': brokerCase('client', ['one', 'two'], ['one', 'two'], (connect) =>
    connect.includes('one') ? 'one' : connect.includes('two') ? 'two' : 'neither',
  ),
  'sources.*.version': brokerCase('version', [5, '3.1.1'], [5, 4], (connect) => connect[connect.indexOf('MQTT') + 4]),
  'sources.*.topic': async (t) => {
    const { url, seen } = await broker(t);
    return {
      base: { sources: { shop: { mqtt: `${url}/a`, channel: 'c:row', commands: 'c:{device}:set' } } },
      values: ['one/{device}', 'two/{device}'],
      sees: ['one', 'two'],
      look: async (place) => {
        seen.topic = undefined;
        await comes(
          place,
          async () => {
            await place.daemon.hub.publish(`c:device${++count}:set`, 'on'); // the source may just be replaced
            return seen.topic !== undefined;
          },
          'a command came',
        );
        return seen.topic!.split('/')[0];
      },
    };
  },
  'sources.*.push': () => ({
    values: ['A1', 'B2'].map((id) => ({
      push: 'zkteco-push',
      ids: [id],
      channel: 'c:row',
    })) as unknown as Case['values'],
    sees: [
      [200, 403],
      [403, 200],
    ],
    look: (place) => Promise.all(['A1', 'B2'].map((id) => place.status(`/iclock/cdata?SN=${id}`, { key: '' }))),
  }),
};
