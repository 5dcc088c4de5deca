import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Message, Subscription } from '../../src/client/index.ts';
import { turn } from '../support/turn.ts';
import type { FakeHub } from './fake-hub.ts';
import { setUp } from './set-up.ts';

const CHANNEL = 'chat:42';

type Step =
  | { kind: 'cut' | 'restart' | 'settle' }
  | { kind: 'publish'; count: number }
  | { kind: 'subscribe'; since: number | undefined; recent: number }
  | { kind: 'listen' | 'loop' | 'leave' | 'stopListening'; which: number }
  | { kind: 'read'; which: number; count: number }
  | { kind: 'frames'; up: number; down: number }
  | { kind: 'trim'; keep: number }
  | { kind: 'wait'; milliseconds: number };

const which = fc.nat(7);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      count: fc.oneof(fc.nat(9), fc.nat(400), fc.constant(2_500)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      since: fc.option(fc.nat(4_000), { nil: undefined }),
      recent: fc.nat(600),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('listen' as const, 'loop', 'leave', 'stopListening'), which }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      which,
      count: fc.oneof(fc.nat(5), fc.nat(200), fc.nat(3_000)),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('frames' as const), up: fc.nat(3), down: fc.nat(500) }) },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'settle' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'cut' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'restart' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), keep: fc.nat(1_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.nat(20_000) }) },
);

/** A loop that reads when it is told to, or the listeners of a subscription. */
interface Reader {
  /** Offsets that it got, in order. */
  got: number[];
  /** It is to have everything after this offset; undefined until that is known. */
  owed: number | undefined;
  loop?: AsyncIterator<Message, undefined>;
  off?: () => void;
  isOver: boolean;
}

/** A subscription, and everything that a program can know of it. */
class Follower {
  readonly chat: Subscription;
  readonly readers: Reader[] = [];
  /** Offsets that are said to be lost. */
  readonly lost = new Set<number>();
  readonly #hub: FakeHub;
  /** Of what nobody has read yet, everything after this is owed to the next who reads. */
  #owed: number | undefined;

  constructor(hub: FakeHub, chat: Subscription, since: number | undefined) {
    this.#hub = hub;
    this.chat = chat;
    this.#owed = since;
    chat.on('gap', ({ have, head }) => {
      for (let offset = have[1] + 1; offset <= head; offset++) this.lost.add(offset);
    });
  }

  get #here(): number {
    return this.#hub.log(CHANNEL).entries.length;
  }

  /** The readers that still read. */
  get present(): Reader[] {
    return this.readers.filter(({ isOver }) => !isOver);
  }

  /** Where it did not say where to begin, it is owed what comes once it is live. */
  look(): void {
    if (this.chat.state !== 'live') return;
    this.#owed ??= this.#here;
    for (const reader of this.present) reader.owed ??= this.#here;
    this.checkPosition();
  }

  listen(): void {
    if (this.present.some(({ off }) => off)) return;
    const reader = this.#begin();
    reader.off = this.chat.on('message', ({ position }) => reader.got.push(position![1]));
  }

  /** It begins with its first `next`, as `for await` does at once. */
  async loop(): Promise<void> {
    const reader = this.#begin();
    reader.loop = this.chat[Symbol.asyncIterator]();
    await this.read(reader, 1);
  }

  #begin(): Reader {
    const reader: Reader = { got: [], owed: this.present.length > 0 ? this.#here : this.#owed, isOver: false };
    this.readers.push(reader);
    return reader;
  }

  /** Takes so many, or all that come without waiting for the hub. */
  async read(reader: Reader, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      // What has not come yet is left to the next time: a loop waits for it.
      const next = reader.loop!.next();
      const result = await Promise.race([next, turn().then(turn)]);
      if (!result) {
        await this.#settleOne(reader, next);
        return;
      }
      if (!result.done) reader.got.push(result.value.position![1]);
    }
  }

  readonly #waiting = new Map<Reader, Promise<unknown>>();

  async #settleOne(reader: Reader, next: Promise<IteratorResult<Message, undefined>>): Promise<void> {
    this.#waiting.set(
      reader,
      next.then(
        ({ value }) => {
          if (value) reader.got.push(value.position![1]);
          this.#waiting.delete(reader);
        },
        () => this.#waiting.delete(reader),
      ),
    );
  }

  isWaiting(reader: Reader): boolean {
    return this.#waiting.has(reader);
  }

  /** Stops reading. The last who reads leaves the rest to the next. */
  leave(reader: Reader): void {
    if (this.isWaiting(reader)) return;
    reader.isOver = true;
    reader.off?.();
    void reader.loop?.return?.();
    if (this.present.length === 0 && reader.owed !== undefined)
      this.#owed = Math.max(reader.owed, reader.got.at(-1) ?? 0);
  }

  /** What was saved as the place where to go on must not hide anything from any reader. */
  checkPosition(): void {
    const { position } = this.chat;
    if (position) for (const reader of this.present) this.#check(reader, position[1]);
  }

  check(): void {
    for (const reader of this.present) this.#check(reader, this.#here);
    for (const { got } of this.readers)
      for (let at = 1; at < got.length; at++)
        assert.ok(got[at - 1]! < got[at]!, `${got[at]} came after ${got[at - 1]}`);
  }

  #check({ got, owed }: Reader, until: number): void {
    const has = new Set(got);
    for (let offset = (owed ?? until) + 1; offset <= until; offset++)
      if (!has.has(offset) && !this.lost.has(offset))
        assert.fail(`${offset} neither came nor is it said to be lost, of ${owed} to ${until}`);
  }
}

test('what a reader got, and what it was told is lost, is everything, in any order of events, and no member leaves', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80 }), async (random) => {
      const steps: Step[] = [{ kind: 'subscribe', since: 0, recent: 0 }, { kind: 'settle' }, ...random];
      const { clock, hub, client, errors } = setUp();
      const followers: Follower[] = [];
      const loops = () =>
        followers.flatMap((follower) =>
          follower.present.filter(({ loop }) => loop).map((reader) => ({ follower, reader })),
        );
      let said = 0;
      for (const step of steps) {
        switch (step.kind) {
          case 'publish':
            for (let n = 0; n < step.count; n++) hub.publish(CHANNEL, ++said);
            break;
          case 'subscribe': {
            if (followers.length > 3) break;
            const { entries } = hub.log(CHANNEL);
            const since = step.since === undefined ? undefined : Math.min(step.since, entries.length);
            const chat = client.subscribe(
              CHANNEL,
              since === undefined ? { recent: step.recent } : { since: ['e1', since] },
            );
            followers.push(new Follower(hub, chat, since));
            break;
          }
          case 'listen':
            followers[step.which % followers.length]?.listen();
            break;
          case 'loop':
            if (loops().length < 6) await followers[step.which % followers.length]?.loop();
            break;
          case 'leave': {
            const chosen = loops()[step.which % loops().length];
            chosen?.follower.leave(chosen.reader);
            break;
          }
          case 'stopListening': {
            const follower = followers[step.which % followers.length];
            const reader = follower?.present.find(({ off }) => off);
            if (reader) follower!.leave(reader);
            break;
          }
          case 'read': {
            const idle = loops().filter(({ follower, reader }) => !follower.isWaiting(reader));
            const chosen = idle[step.which % idle.length];
            await chosen?.follower.read(chosen.reader, step.count);
            break;
          }
          case 'frames':
            hub.step(step.up, step.down);
            break;
          case 'settle':
            await hub.settle();
            break;
          case 'cut':
            hub.cut();
            break;
          case 'restart':
            hub.restart();
            break;
          case 'trim':
            hub.trim(CHANNEL, step.keep);
            break;
          case 'wait':
            clock.advance(step.milliseconds);
        }
        await turn();
        for (const follower of followers) follower.look();
      }
      // Then everybody reads on, and those whom nobody reads get somebody who does.
      for (const follower of followers) if (follower.present.length === 0) follower.listen();
      for (let idle = true, round = 0; idle || round < 5; round++) {
        await hub.settle();
        clock.advance(client.retryIn);
        idle = false;
        for (const { follower, reader } of loops())
          if (!follower.isWaiting(reader)) {
            idle = true;
            await follower.read(reader, 3_000);
          }
        assert.ok(round < 1_000, 'nobody is behind for ever');
      }
      for (const follower of followers) follower.look();
      for (const follower of followers) follower.check();
      for (const { chat } of followers) assert.equal(chat.state, 'live');
      assert.deepEqual(hub.heardOf('un'), []);
      assert.deepEqual(errors, []);
      client.close();
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 25 },
  );
});
