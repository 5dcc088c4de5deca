import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Broker, Entry, Keep, LogGap, Page } from '../../src/broker/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { BROKERS, MISSING, type Setting } from './brokers.ts';
import { NaiveBroker } from './naive-broker.ts';

/** Of the comparison with the naive broker. The Redis brokers, whose calls go through a server, share one script. */
const RUNS: Readonly<Record<string, number>> = { memory: 500, sqlite: 100 };
const ALL: Keep = { size: Infinity, ttl: Infinity };

function pageOf(result: Page | LogGap): Page {
  assert.equal(result.gap, undefined);
  return result as Page;
}

const texts = (page: Page | LogGap) => pageOf(page).entries.map((entry) => entry.data);

async function publishAll(broker: Broker, channel: string, ...data: string[]): Promise<void> {
  await Promise.all(data.map((text) => broker.publish(channel, { data: text, keep: ALL })));
}

/** What every broker does, whatever its store is. */
export function testBroker(name: keyof typeof BROKERS): void {
  const make = BROKERS[name]!;
  describe(`the ${name} broker`, { skip: MISSING[name] ?? false }, () => {
    const still: Setting = { now: () => 1_000 };

    test('counts each channel from one, without a gap, under an epoch that stays', async (t) => {
      const broker = await make(t, still);
      const receipts = await Promise.all(['a', 'b', 'a', 'a'].map((channel) => broker.publish(channel, { data: '1' })));
      assert.deepEqual(
        receipts.map(({ position }) => position[1]),
        [1, 1, 2, 3],
      );
      const { epoch } = await broker.state('a');
      assert.ok(receipts.every(({ position }, at) => at === 1 || position[0] === epoch));
      assert.notEqual((await broker.state('b')).epoch, epoch);
      assert.deepEqual(await broker.state('a'), { epoch, oldest: 1, head: 3 });
    });

    test('gives a channel that was never used an empty log, whose epoch the first publication keeps', async (t) => {
      const broker = await make(t, still);
      const state = await broker.state('new');
      assert.deepEqual(state, { epoch: state.epoch, oldest: 1, head: 0 });
      const { position } = await broker.publish('new', { data: '1' });
      assert.deepEqual(position, [state.epoch, 1]);
      assert.deepEqual(texts(await broker.read('new', [state.epoch, 0])), ['1']);
    });

    test('gives a channel without a log a position that stays valid, however often and by whom it is asked', async (t) => {
      const broker = await make(t, still);
      const state = await broker.state('new');
      assert.deepEqual(await broker.read('new', [state.epoch, 0]), { ...state, entries: [] });
      assert.equal((await broker.read('new', [state.epoch, 1])).gap, 'future');
      assert.equal((await broker.read('new', ['other', 0])).gap, 'epoch');
      assert.deepEqual(await broker.trim('new', { size: 0, ttl: 1 }), state);
      for (let n = 0; n < 1_000; n++) await broker.state(`another:${n}`);
      assert.deepEqual(await broker.state('new'), state);
      assert.deepEqual((await broker.publish('new', { data: '1' })).position, [state.epoch, 1]);
      assert.deepEqual(texts(await broker.read('new', [state.epoch, 0])), ['1']);
    });

    test('never reuses the epoch of a forgotten log, even if it was only requested', async (t) => {
      const broker = await make(t, still);
      const epochs = new Set<string>();
      for (let n = 0; n < 20; n++) {
        epochs.add((await broker.state('a')).epoch);
        if (n % 2 === 0) await broker.publish('a', { data: '1' });
        await broker.forget('a');
      }
      assert.equal(epochs.size, 20);
    });

    const DAY = 24 * 3_600_000;
    const WEEK = 7 * DAY;
    const START = 1_700_000_000_000;

    test('loses nothing to a clock that is days ahead, or behind, for seconds', async (t) => {
      for (const off of [8 * DAY, -8 * DAY, -START]) {
        const clock = new FakeClock();
        let now = START;
        const broker = await make(t, { now: () => now, clock });
        const pass = (ms: number) => {
          now += ms;
          clock.advance(ms);
        };
        const keep = { size: Infinity, ttl: WEEK };
        const put = async (data: string) => (await broker.publish('a', { data, keep, key: data })).duplicate;
        await put('1');
        pass(1_000);
        await put('2');
        now += off;
        pass(12_000);
        assert.equal(await put('1'), true, 'its key is known still');
        await broker.trim('a', keep);
        await put('3');
        pass(12_000);
        now -= off;
        await put('4');
        pass(20 * 60_000);
        await broker.state('b');
        const { epoch } = await broker.state('a');
        assert.deepEqual(texts(await broker.read('a', [epoch, 0])), ['1', '2', '3', '4'], `off by ${off}`);
      }
    });

    test('expires publications from while the clock was ahead in time, and dates later ones correctly', async (t) => {
      const clock = new FakeClock();
      let now = START + 365 * 24 * 3_600_000;
      const broker = await make(t, { now: () => now, clock });
      const keep = { size: Infinity, ttl: 30_000 };
      const { position } = await broker.publish('a', { data: '"from next year"', keep });
      now = START;
      await broker.publish('a', { data: '1', keep });
      const page = pageOf(await broker.read('a', [position[0], 0]));
      assert.deepEqual(
        page.entries.map(({ time }) => time),
        [START + 365 * 24 * 3_600_000, START],
      );
      now += 20_000;
      await broker.publish('a', { data: '2', keep });
      now += 10_000;
      assert.deepEqual(texts(await broker.read('a', [position[0], 2])), ['2']);
      assert.equal((await broker.state('a')).oldest, 3);
    });

    test('trusts a clock that has run on for ten minutes after a jump', async (t) => {
      const clock = new FakeClock();
      let now = START;
      const broker = await make(t, { now: () => now, clock });
      const { position } = await broker.publish('a', { data: '1', keep: { size: Infinity, ttl: DAY } });
      const oldest = async () => (await broker.state('a')).oldest;
      now += DAY;
      for (let second = 0; second < 600; second += 10) {
        assert.equal(await oldest(), 1, `after ${second} s`);
        now += 10_000;
        clock.advance(10_000);
      }
      assert.equal(await oldest(), 2);
      assert.equal((await broker.read('a', position)).gap, undefined);
    });

    test('reads on from a position in pages, bounded by count and by bytes', async (t) => {
      const broker = await make(t, still);
      await publishAll(broker, 'a', '"1"', '"22"', '"333"', '"4444"', '"é"');
      const { epoch } = await broker.state('a');
      assert.deepEqual(texts(await broker.read('a', [epoch, 0])), ['"1"', '"22"', '"333"', '"4444"', '"é"']);
      assert.deepEqual(texts(await broker.read('a', [epoch, 1], { limit: 2 })), ['"22"', '"333"']);
      assert.deepEqual(texts(await broker.read('a', [epoch, 0], { bytes: 7 })), ['"1"', '"22"']);
      assert.deepEqual(texts(await broker.read('a', [epoch, 0], { bytes: 6 })), ['"1"']);
      assert.deepEqual(texts(await broker.read('a', [epoch, 3], { bytes: 1 })), ['"4444"'], 'one comes always');
      assert.deepEqual(texts(await broker.read('a', [epoch, 3], { bytes: 10 })), ['"4444"', '"é"']);
      assert.deepEqual(texts(await broker.read('a', [epoch, 3], { bytes: 9 })), ['"4444"']);
      assert.deepEqual(texts(await broker.read('a', [epoch, 5])), []);
    });

    test('returns data, meta, offset and time unchanged', async (t) => {
      let now = 5_000;
      const broker = await make(t, { now: () => now });
      const { position } = await broker.publish('a', { data: '{"t":"¡hola! 😀\\u0000"}', meta: '{"user":"x"}' });
      now = 4_000; // a clock that was set back
      await broker.publish('a', { data: 'null' });
      assert.deepEqual(pageOf(await broker.read('a', [position[0], 0])).entries, [
        { offset: 1, time: 5_000, data: '{"t":"¡hola! 😀\\u0000"}', meta: '{"user":"x"}' },
        { offset: 2, time: 5_000, data: 'null', meta: null },
      ]);
    });

    test("reports a gap before trimmed entries, and reads on from the log's start", async (t) => {
      const broker = await make(t, still);
      await publishAll(broker, 'a', '1', '2', '3', '4', '5');
      const state = await broker.trim('a', { size: 2, ttl: Infinity });
      assert.deepEqual(state, { epoch: state.epoch, oldest: 4, head: 5 });
      const have = [state.epoch, 2] as const;
      assert.deepEqual(await broker.read('a', have), { gap: 'trimmed', have, ...state });
      assert.deepEqual(texts(await broker.read('a', [state.epoch, 3])), ['4', '5']);
      await broker.trim('a', { size: 0, ttl: Infinity });
      assert.deepEqual(await broker.state('a'), { epoch: state.epoch, oldest: 6, head: 5 });
      assert.deepEqual(texts(await broker.read('a', [state.epoch, 5])), []);
      assert.equal((await broker.publish('a', { data: '6' })).position[1], 6);
    });

    test('reports a gap for another epoch and for a future offset', async (t) => {
      const broker = await make(t, still);
      await publishAll(broker, 'a', '1', '2');
      const state = await broker.state('a');
      assert.equal((await broker.read('a', ['other', 1])).gap, 'epoch');
      assert.deepEqual(await broker.read('a', [state.epoch, 3]), { gap: 'future', have: [state.epoch, 3], ...state });
      assert.equal((await broker.read('unknown', [state.epoch, 1])).gap, 'epoch');
    });

    test('keeps as many of the newest entries as each publication requests, and counts where it keeps none', async (t) => {
      const broker = await make(t, still);
      const { epoch } = await broker.state('a');
      for (let n = 1; n <= 200; n++) {
        await broker.publish('a', { data: `${n}`, keep: { size: 3, ttl: Infinity } });
        const kept = [n - 2, n - 1, n].filter((offset) => offset > 0);
        assert.deepEqual(texts(await broker.read('a', [epoch, kept[0]! - 1])), kept.map(String));
      }
      assert.deepEqual(await broker.state('a'), { epoch, oldest: 198, head: 200 });
      await broker.publish('a', { data: '201', keep: { size: 0, ttl: Infinity } });
      assert.deepEqual(await broker.state('a'), { epoch, oldest: 202, head: 201 });
      await broker.publish('a', { data: '202', keep: ALL });
      assert.deepEqual(texts(await broker.read('a', [epoch, 201])), ['202']);
    });

    test('removes expired entries, and never shows them again', async (t) => {
      let now = 0;
      const broker = await make(t, { now: () => now });
      const keep = { size: Infinity, ttl: 100 };
      for (now = 0; now < 50; now += 10) await broker.publish('a', { data: `${now}`, keep });
      const { epoch } = await broker.state('a');
      now = 119;
      assert.deepEqual(texts(await broker.read('a', [epoch, 2])), ['20', '30', '40']);
      now = 120;
      assert.deepEqual(await broker.state('a'), { epoch, oldest: 4, head: 5 });
      await broker.publish('a', { data: 'longer', keep: { size: Infinity, ttl: 1_000 } });
      assert.deepEqual(await broker.state('a'), { epoch, oldest: 4, head: 6 });
      now = 1_120;
      assert.deepEqual(await broker.state('a'), { epoch, oldest: 7, head: 6 });
    });

    test('does not show expired entries again when a longer time is set', async (t) => {
      let now = 0;
      const broker = await make(t, { now: () => now });
      await broker.publish('a', { data: '1', keep: { size: Infinity, ttl: 100 } });
      now = 100;
      await broker.publish('a', { data: '2', keep: { size: Infinity, ttl: 1_000 } });
      assert.equal((await broker.state('a')).oldest, 2);
    });

    test('stores a publication with a key once, however often it is repeated and from where', async (t) => {
      const broker = await make(t, still);
      const publication = { data: '"x"', key: 'k' };
      const receipts = await Promise.all([1, 2, 3].map(() => broker.publish('a', publication)));
      const later = await broker.publish('a', { ...publication, meta: '{"time":9}' });
      const [epoch] = later.position;
      assert.deepEqual(
        [...receipts, later],
        [false, true, true, true].map((duplicate) => ({ position: [epoch, 1], duplicate })),
      );
      assert.deepEqual((await broker.publish('b', publication)).duplicate, false, 'keys belong to the channel');
      assert.equal((await broker.state('a')).head, 1);
    });

    test('refuses a used key with other data, and only that publication', async (t) => {
      const broker = await make(t, still);
      const results = await Promise.allSettled([
        broker.publish('a', { data: '1', key: 'k' }),
        broker.publish('a', { data: '2', key: 'k' }),
        broker.publish('a', { data: '3' }),
      ]);
      assert.deepEqual(
        results.map((result) => (result.status === 'fulfilled' ? result.value.position[1] : result.reason.code)),
        [1, 'KEY_REUSED', 2],
      );
    });

    test('compares the data that was sent for a key, even if other data was stored', async (t) => {
      const broker = await make(t, still);
      const first = { data: '{"at":1}', sent: '{}', key: 'k' };
      const { position } = await broker.publish('a', first);
      assert.deepEqual(await broker.publish('a', { ...first, data: '{"at":2}' }), { position, duplicate: true });
      await assert.rejects(broker.publish('a', { ...first, sent: '{"other":1}' }), { code: 'KEY_REUSED' });
      const page = await broker.read('a', [position[0], 0]);
      assert.deepEqual(page.gap ?? page.entries.map(({ data }) => data), ['{"at":1}']);
    });

    test('remembers a key for its window, even after its entry was trimmed', async (t) => {
      let now = 0;
      const broker = await make(t, { now: () => now, keys: { ttl: 100 } });
      const put = async (key: string) =>
        (await broker.publish('a', { data: '1', key, keep: { size: 1, ttl: 50 } })).duplicate;
      assert.deepEqual([await put('a'), await put('b'), await put('a')], [false, false, true]);
      now = 99;
      assert.equal(await put('a'), true);
      now = 100;
      assert.equal(await put('a'), false);
    });

    test('remembers a key until it expires, however many others come in its channel and elsewhere', async (t) => {
      const broker = await make(t, still);
      const order = { data: '{"order":17}', key: 'order-17' };
      const { position } = await broker.publish('orders', order);
      for (let n = 0; n < 75; n++)
        await Promise.all(
          Array.from({ length: 2_000 }, (_, at) =>
            broker.publish(at % 2 ? 'orders' : `chat:${at}`, {
              data: '1',
              key: `k${n * 2_000 + at}`,
              keep: { size: 1, ttl: 50 },
            }),
          ),
        );
      assert.deepEqual(await broker.publish('orders', order), { position, duplicate: true });
    });

    test('refuses further keys of an owner who has as many as there is room left, but not publications without a key', async (t) => {
      let now = 0;
      const broker = await make(t, { now: () => now, keys: { ttl: 100, count: 10 } });
      const put = (key: string, owner?: string) => broker.publish('a', { data: '1', key, ...(owner && { owner }) });
      for (let n = 0; n < 5; n++) await put(`stranger ${n}`, 'stranger');
      await assert.rejects(put('stranger 5', 'stranger'), { code: 'LOG_BUSY', message: /nothing was stored/ });
      assert.equal((await put('stranger 0', 'stranger')).duplicate, true);
      assert.equal((await put('ana 0', 'ana')).duplicate, false);
      assert.equal((await put('the server')).duplicate, false);
      assert.equal((await broker.publish('a', { data: '1', owner: 'stranger' })).duplicate, false);
      await assert.rejects(broker.publish('new', { data: '1', key: 'k', owner: 'stranger' }), { code: 'LOG_BUSY' });
      now = 100;
      assert.equal((await put('stranger 0', 'stranger')).duplicate, false);
    });

    test('forgets a log completely: its entries, epoch, offsets and keys', async (t) => {
      const broker = await make(t, still);
      const before = await broker.publish('a', { data: '1', key: 'k' });
      await broker.forget('a');
      await broker.forget('never used');
      const state = await broker.state('a');
      assert.notEqual(state.epoch, before.position[0]);
      assert.equal((await broker.read('a', before.position)).gap, 'epoch');
      const after = await broker.publish('a', { data: '2', key: 'k' });
      assert.deepEqual(after, { position: [state.epoch, 1], duplicate: false });
      assert.deepEqual(texts(await broker.read('a', [state.epoch, 0])), ['2']);
    });

    test('forgets, reads and publishes in one turn as in separate turns', async (t) => {
      const broker = await make(t, still);
      const { epoch } = await broker.state('a');
      const [first, , second] = await Promise.all([
        broker.publish('a', { data: '1' }),
        broker.forget('a'),
        broker.publish('a', { data: '2' }),
      ]);
      assert.deepEqual(first.position, [epoch, 1]);
      assert.equal(second.position[1], 1);
      assert.notEqual(second.position[0], epoch);
      const [, gap] = await Promise.all([broker.forget('a'), broker.read('a', second.position)]);
      assert.equal(gap.gap, 'epoch');
    });

    test('notifies the watchers of a channel and of a pattern of appended entries in order, before they are acknowledged', async (t) => {
      const broker = await make(t, still);
      const heard: [string, string, number][] = [];
      const note = (who: string) => (channel: string, _epoch: string, entries: readonly Entry[]) => {
        for (const { offset } of entries) heard.push([who, channel, offset]);
      };
      const stop = await broker.watch('chat:1', note('name'));
      await broker.watch('chat:*', note('pattern'));
      const first = broker.publish('chat:1', { data: '1', key: 'k' });
      await first;
      assert.deepEqual(heard, [
        ['name', 'chat:1', 1],
        ['pattern', 'chat:1', 1],
      ]);
      heard.length = 0;
      await broker.publish('chat:1', { data: '1', key: 'k' }); // stored already: nothing to tell
      await publishAll(broker, 'chat:1', '2', '3');
      await publishAll(broker, 'chat:2', '1');
      await publishAll(broker, 'news', '1');
      assert.deepEqual(
        heard.filter(([who]) => who === 'name'),
        [
          ['name', 'chat:1', 2],
          ['name', 'chat:1', 3],
        ],
      );
      assert.deepEqual(
        heard.filter(([who]) => who === 'pattern').map(([, channel, offset]) => [channel, offset]),
        [
          ['chat:1', 2],
          ['chat:1', 3],
          ['chat:2', 1],
        ],
      );
      stop();
      heard.length = 0;
      await publishAll(broker, 'chat:1', '4');
      assert.deepEqual(heard, [['pattern', 'chat:1', 4]]);
    });

    test("gives the origin of a publication to this process's watchers, and to nobody who reads the log", async (t) => {
      const broker = await make(t, still);
      const heard: (object | undefined)[] = [];
      await broker.watch('a', (_channel, _epoch, entries) => heard.push(...entries.map(({ origin }) => origin)));
      const origins = [{}, undefined, {}];
      const plain = { data: '1', keep: ALL };
      await Promise.all(origins.map((origin) => broker.publish('a', origin ? { ...plain, origin } : plain)));
      assert.equal(heard.length, 3);
      for (const [at, origin] of origins.entries()) assert.equal(heard[at], origin);
      const { epoch } = await broker.state('a');
      const { entries } = pageOf(await broker.read('a', [epoch, 0]));
      assert.ok(entries.every((entry) => !('origin' in entry)));
    });

    test('continues when a watcher throws, and reports it', async (t) => {
      const errors: unknown[] = [];
      const broker = await make(t, { ...still, onError: (error) => errors.push(error) });
      await broker.watch('a', () => {
        throw new Error('oops');
      });
      let heard = 0;
      await broker.watch('a', () => heard++);
      assert.equal((await broker.publish('a', { data: '1' })).position[1], 1);
      assert.equal(heard, 1);
      assert.match(String(errors), /oops/);
    });

    test('refuses all calls before it is open and after it was closed', async (t) => {
      const broker = await make(t, still);
      const pending = broker.publish('a', { data: '1' });
      await broker.close();
      assert.equal((await pending).position[1], 1, 'what was asked before is done');
      for (const call of [
        () => broker.publish('a', { data: '1' }),
        () => broker.read('a', ['e', 0]),
        () => broker.state('a'),
        () => broker.trim('a', ALL),
        () => broker.forget('a'),
        () => broker.watch('a', () => {}),
        () => broker.open(),
      ]) {
        await assert.rejects(call, { code: 'LOG_CLOSED' });
      }
      await broker.close();
    });

    test('agrees with a naive broker for any sequence of calls', async (t) => {
      let now = 0;
      const setting = { now: () => now, keys: { ttl: 60, count: 6 } };
      const broker = await make(t, setting);
      const channel = fc.constantFrom('a', 'b', 'c');
      const size = fc.constantFrom(0, 1, 3, 100, Infinity);
      const ttl = fc.constantFrom(20, 50, 1_000, Infinity);
      const keep = fc.record({ size, ttl });
      const data = fc.constantFrom('1', '2', '"three"');
      const publication = fc.record({
        data,
        keep,
        key: fc.option(fc.constantFrom('k', 'l', 'm', 'n', 'o', 'p'), { nil: undefined, freq: 1 }),
        owner: fc.option(fc.constantFrom('ana', 'luis'), { nil: undefined, freq: 1 }),
      });
      const bounds = fc.record({ limit: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 1, max: 20 }) });
      const step = fc.oneof(
        {
          weight: 8,
          arbitrary: fc.tuple(
            fc.constant('publish' as const),
            channel,
            fc.array(publication, { minLength: 1, maxLength: 8 }),
          ),
        },
        {
          weight: 4,
          arbitrary: fc.tuple(fc.constant('read' as const), channel, fc.tuple(fc.boolean(), fc.nat(12), bounds)),
        },
        { weight: 2, arbitrary: fc.tuple(fc.constant('trim' as const), channel, keep) },
        { weight: 2, arbitrary: fc.tuple(fc.constant('wait' as const), channel, fc.nat(40)) },
        { weight: 1, arbitrary: fc.tuple(fc.constant('forget' as const), channel, fc.constant(undefined)) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const naive = new NaiveBroker(setting);
          for (const name of ['a', 'b', 'c']) await broker.forget(name);
          now += 1_000; // past the key window
          const epochs = new Map<string, string>();
          /** The naive broker counts epochs; the real one names them: they must change together. */
          const same = (real: string, simple: string) => {
            assert.equal(epochs.get(simple) ?? real, real, 'the epoch changed');
            epochs.set(simple, real);
          };
          for (const [kind, name, detail] of steps) {
            if (kind === 'wait') now += detail;
            else if (kind === 'forget') {
              await broker.forget(name);
              naive.forget(name);
            } else if (kind === 'trim') {
              await broker.trim(name, detail);
              naive.trim(name, detail);
            } else if (kind === 'publish') {
              const real = await Promise.allSettled(detail.map((one) => broker.publish(name, plain(one))));
              for (const [at, one] of detail.entries()) {
                const outcome = real[at]!;
                const expected = naive.publish(name, one);
                if (outcome.status === 'rejected') {
                  assert.deepEqual(outcome.reason.code, expected);
                  continue;
                }
                assert.ok(typeof expected === 'object', 'should have been refused');
                const { position, duplicate } = outcome.value;
                same(position[0], expected.position[0]);
                assert.deepEqual([position[1], duplicate], [expected.position[1], expected.duplicate]);
              }
            } else {
              const [current, offset, limits] = detail;
              const { epoch } = await broker.state(name);
              const simple = naive.state(name).epoch;
              same(epoch, simple);
              const real = await broker.read(name, [current ? epoch : 'other', offset], limits);
              const expected = naive.read(name, [current ? simple : 'other', offset], limits);
              assert.deepEqual({ ...real, epoch: '', have: '' }, { ...expected, epoch: '', have: '' });
            }
          }
          for (const name of ['a', 'b', 'c']) {
            const { epoch, ...ends } = await broker.state(name);
            const { epoch: simple, ...expected } = naive.state(name);
            same(epoch, simple);
            assert.deepEqual(ends, expected);
          }
        }),
        { numRuns: RUNS[name] ?? 40 },
      );
    });
  });
}

/** Without the members that are undefined. */
function plain({
  key,
  owner,
  ...rest
}: {
  data: string;
  keep: Keep;
  key: string | undefined;
  owner: string | undefined;
}) {
  return { ...rest, ...(key !== undefined && { key }), ...(owner !== undefined && { owner }) };
}
