import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Hub } from '../../src/hub/index.ts';
import type { Position, ServerMessage, Subscribed } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { Capricious } from './capricious.ts';
import { type FakeFanOut, Guest, square } from './fake-wire.ts';

const CHANNEL = 'chat:42';

/** A client that keeps its position over its connections, and objects to whatever should not be. */
class Reader {
  #position: Position | null = null;
  #guest: Guest | null = null;
  #ch = -1;
  readonly #log: readonly unknown[];
  readonly #keeps: number;

  constructor(log: readonly unknown[], keeps: number) {
    this.#log = log;
    this.#keeps = keeps;
  }

  get position(): Position | null {
    return this.#position;
  }

  connect(hub: Hub, fanOut: FakeFanOut): void {
    if (this.#guest) return;
    this.#guest = new Guest(hub, fanOut);
    const at = this.#position;
    this.#guest.say(['hi', 1, {}], ['sub', 2, CHANNEL, { ...(at && { at }), credit: 2 }]);
  }

  lose(fanOut: FakeFanOut): void {
    this.read();
    if (!this.#guest) return;
    fanOut.wires.delete(this.#guest.wire);
    this.#guest.connection.lost();
    this.#guest = null;
  }

  stick(): void {
    this.#guest?.wire.stick();
    this.#guest?.connection.slow();
  }

  free(): void {
    this.#guest?.wire.free();
  }

  more(): void {
    this.read();
    if (this.#ch >= 0) this.#guest?.say(['more', this.#ch, 2]);
  }

  read(): void {
    const lines = this.#guest?.wire.got.splice(0) ?? [];
    for (const line of lines) this.#take(line);
  }

  #take(line: ServerMessage): void {
    const [epoch, offset] = this.#position ?? ['', 0];
    if (line[0] === 'err') assert.fail(`refused: ${line}`);
    if (line[0] === 'ok' && line[1] === 2) {
      const answer = line[2] as Required<Subscribed>;
      this.#ch = answer.ch;
      this.#position ??= [answer.epoch, answer.offset];
    }
    if (line[0] === 'm') {
      assert.equal(line[2], offset + 1, 'the next publication, neither an earlier nor a later one');
      assert.equal(line[3], this.#log[offset], 'the very publication of that offset');
      this.#position = [epoch, offset + 1];
    }
    if (line[0] === 'live') assert.equal(line[2], offset, 'live where it is');
    if (line[0] === 'gap') {
      const { have, head, oldest } = line[2];
      assert.deepEqual(have, [epoch, offset]);
      assert.ok(oldest > offset + 1, 'there is a gap indeed');
      assert.equal(oldest, Math.max(1, head - this.#keeps + 1), 'the log keeps what it should');
      this.#position = [epoch, head];
    }
  }
}

type Step = readonly [
  act: 'publish' | 'connect' | 'lose' | 'stick' | 'free' | 'more' | 'deliver' | 'lose news' | 'answer' | 'settle',
  which: number,
];

const READERS = 3;
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(
    ...(['publish', 'publish', 'publish', 'connect', 'connect', 'lose', 'stick', 'free', 'more', 'more'] as const),
    ...(['deliver', 'deliver', 'lose news', 'answer', 'answer', 'settle'] as const),
  ),
  fc.nat(READERS - 1),
);

test('every reader gets each publication once and in order, or is told of a gap, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }),
      fc.constantFrom(3, 1_000),
      async (steps, keeps) => {
        let capricious!: Capricious;
        const { hub, fanOut, errors } = await square({ channels: { '*': { history: { size: keeps } } } }, (broker) => {
          capricious = new Capricious(broker);
          return capricious.broker;
        });
        const log: number[] = [];
        const readers = Array.from({ length: READERS }, () => new Reader(log, keeps));
        const publish = () => {
          log.push(log.length + 1);
          return hub.publish(CHANNEL, log.length);
        };
        for (const [act, which] of steps) {
          const reader = readers[which]!;
          if (act === 'publish') await publish();
          else if (act === 'connect') reader.connect(hub, fanOut);
          else if (act === 'lose') reader.lose(fanOut);
          else if (act === 'stick') reader.stick();
          else if (act === 'free') reader.free();
          else if (act === 'more') reader.more();
          else if (act === 'deliver') capricious.deliver(which + 1);
          else if (act === 'lose news') capricious.lose(which + 1);
          else if (act === 'answer') capricious.answer();
          else await settle();
          reader.read();
        }
        // Everything works again: everybody must arrive at the same place.
        for (const reader of readers) {
          reader.free();
          reader.connect(hub, fanOut);
        }
        await capricious.calm();
        // Lost news show with the next ones; without a loss nothing further may be needed.
        if (capricious.hasLost) await publish();
        await capricious.calm();
        const { epoch, head } = await capricious.broker.state(CHANNEL);
        for (let round = 0; round <= steps.length; round++) {
          for (const reader of readers) reader.more();
          await settle();
          if (readers.every(({ position }) => position?.[1] === head)) break;
        }
        for (const reader of readers) assert.deepEqual(reader.position, [epoch, head]);
        assert.deepEqual(errors, []);
      },
    ),
    { numRuns: 200 },
  );
});
