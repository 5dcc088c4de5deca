import assert from 'node:assert/strict';
import { test } from 'node:test';
import { play, type RecordedEvent } from '../../../src/cli/devices/index.ts';
import { connect, listen } from '../../../src/stream/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { settle } from '../../support/turn.ts';
import { until } from '../../support/until.ts';

const EVENTS: readonly RecordedEvent[] = [
  { at: 100, connection: 1, what: { from: 'tcp://192.0.2.4:1' } },
  { at: 100, connection: 1, what: { bytes: Buffer.from('one') } },
  { at: 150, connection: 2, what: { bytes: Buffer.from('other') } },
  { at: 1_100, connection: 1, what: { bytes: Buffer.from('two') } },
  { at: 1_100, connection: 1, what: 'end' },
];

for (const isFast of [false, true])
  test(`a recording is sent by as many connections, ${isFast ? 'at once with --fast' : 'with its pauses'}`, async (t) => {
    const server = await listen('tcp://127.0.0.1:0');
    t.after(() => server.close({ grace: 0 }));
    const heard: string[] = [];
    let ended = 0;
    void (async () => {
      for await (const socket of server) {
        const index = heard.push('') - 1;
        void (async () => {
          for await (const chunk of socket) heard[index] = heard[index]! + chunk;
          ended++;
          socket.end(`heard ${heard[index]}`);
        })();
      }
    })();
    const clock = new FakeClock();
    const answers: string[] = [];
    const played = play(EVENTS, {
      connect: () => connect(server.addresses[0]!),
      clock,
      isFast,
      onAnswer: async (bytes) => void answers.push(String(bytes)),
      quiet: () => new Promise(() => {}),
    });
    if (!isFast) {
      await until(() => heard[0] === 'one' && clock.pending === 1, 'the first bytes came');
      clock.advance(49);
      await settle();
      assert.equal(heard.length, 1);
      clock.advance(1);
      await until(() => heard[1] === 'other' && clock.pending === 1, 'the other connection spoke');
      clock.advance(950);
    }
    await played;
    assert.deepEqual(heard, ['onetwo', 'other']);
    assert.equal(ended, 2);
    assert.deepEqual(answers.toSorted(), ['heard onetwo', 'heard other']);
  });

test('where the other side neither answers nor ends, it ends after a silence', async (t) => {
  const server = await listen('tcp://127.0.0.1:0');
  t.after(() => server.close({ grace: 0 }));
  await play(EVENTS, {
    connect: () => connect(server.addresses[0]!),
    clock: new FakeClock(),
    isFast: true,
    onAnswer: async () => {},
    quiet: async () => {},
  });
});
