import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ServerMessage, Subscribed } from '../../src/protocol/index.ts';
import { settle } from '../support/turn.ts';
import { type Guest, square } from './fake-wire.ts';

const CHANNELS = ['s:1', 's:2', 's:3'] as const;
/** What comes and goes beside the pattern `s:*`, which stays. */
const OTHERS = ['s:1', 's:2', '*:1', 's*'] as const;

/** Follows what comes as a client has to, and objects to whatever comes twice, too early or not at all. */
class Follower {
  readonly #guest: Guest;
  readonly #names = new Map<number, string>();
  readonly #positions = new Map<string, number>();
  /** Left by name: the pattern goes on with what comes next, wherever that is. */
  readonly #left = new Set<string>();
  #asked: string[] = [];

  constructor(guest: Guest) {
    this.#guest = guest;
  }

  subscribe(name: string): void {
    this.#asked.push(name);
    this.#guest.say(['sub', 1 + this.#asked.length, name, {}]);
  }

  unsubscribe(name: string): void {
    this.#asked.push(`un ${name}`);
    this.#guest.say(['un', 1 + this.#asked.length, name]);
  }

  read(): void {
    for (const line of this.#guest.wire.got.splice(0)) this.#take(line);
  }

  #take(line: ServerMessage): void {
    if (line[0] === 'ok' && line[1] > 1) {
      const name = this.#asked[line[1] - 2]!;
      if (name.startsWith('un ') && !name.includes('*')) this.#left.add(name.slice(3));
      if (name.includes('*') || name.startsWith('un ')) return;
      const { ch, offset } = line[2] as Required<Subscribed>;
      this.#begin(ch, name, offset);
    }
    if (line[0] === 'ch') this.#begin(line[1], line[2], line[4]);
    if (line[0] === 'end' || line[0] === 'gap' || line[0] === 'bye') assert.fail(`unexpected: ${line}`);
    if (line[0] !== 'm') return;
    const name = this.#names.get(line[1]);
    assert.ok(name, 'a channel is introduced before its first line');
    assert.equal(line[2], this.#positions.get(name)! + 1, `the next of ${name}`);
    this.#positions.set(name, line[2]);
  }

  #begin(ch: number, name: string, offset: number): void {
    const had = this.#positions.get(name) ?? 0;
    if (this.#left.delete(name)) assert.ok(offset >= had, `${name} goes on, not back`);
    // A subscription by name begins with what comes next, where no pattern has brought anything yet.
    else if (had > 0) assert.equal(offset, had, `${name} goes on where it was`);
    this.#names.set(ch, name);
    this.#positions.set(name, offset);
  }

  offset(name: string): number {
    return this.#positions.get(name) ?? 0;
  }
}

type Step = readonly [act: 'publish' | 'other' | 'stick' | 'free' | 'settle' | 'idle', which: number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...(['publish', 'publish', 'publish', 'other', 'other', 'stick', 'free', 'settle', 'idle'] as const)),
  fc.nat(OTHERS.length - 1),
);

test('a reader of patterns that come and go gets each publication once and in order, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), async (steps) => {
      const { hub, clock, errors, guest } = await square({
        channels: { '*': { patterns: true } },
        linger: 1,
        pingInterval: 1_000_000_000,
      });
      const ana = await guest();
      const follower = new Follower(ana);
      follower.subscribe('s:*');
      await settle();
      const has = new Set<string>();
      for (const [act, which] of steps) {
        const other = OTHERS[which]!;
        if (act === 'publish') await hub.publish(CHANNELS[which % CHANNELS.length]!, which);
        else if (act === 'stick') {
          ana.wire.stick();
          ana.connection.slow();
        } else if (act === 'free') ana.wire.free();
        else if (act === 'idle') clock.advance(180_000);
        else if (act === 'settle') await settle();
        else if (has.delete(other)) follower.unsubscribe(other);
        else {
          has.add(other);
          follower.subscribe(other);
        }
        follower.read();
      }
      ana.wire.free();
      await settle();
      follower.read();
      for (const name of CHANNELS) {
        const [, head] = await hub.publish(name, 'last');
        await settle();
        follower.read();
        assert.equal(follower.offset(name), head, `all of ${name} came`);
      }
      assert.deepEqual(errors, []);
    }),
    { numRuns: 200 },
  );
});
