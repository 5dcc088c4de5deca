import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { turn } from '../support/turn.ts';
import { setUp } from './set-up.ts';

type Step =
  | { kind: 'publish' | 'another' | 'restart' | 'cut' }
  | { kind: 'frames'; up: number; down: number }
  | { kind: 'wait'; milliseconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'publish' }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'another' }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant<'frames'>('frames'), up: fc.nat(2), down: fc.nat(5) }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'cut' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'restart' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant<'wait'>('wait'), milliseconds: fc.nat(20_000) }) },
);

/** Where a trim may strike, so that gaps appear. */
const trims = fc.array(fc.nat(60), { maxLength: 2 });

test('wherever the connection is cut and whatever is lost: everything arrives once, in order, and no gap is silent', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), trims, fc.nat(), async (steps, trims, seed) => {
      let dice = seed;
      const random = () => {
        dice = (Math.imul(dice, 1_103_515_245) + 12_345) >>> 0;
        return dice / 2 ** 32;
      };
      const { clock, hub, client, errors } = setUp({ random });
      const chat = client.subscribe<string>('chat:42', { since: ['e1', 0] });
      const heard: string[] = [];
      const looped: string[] = [];
      /** What was seen, with the offsets that were said to be lost. */
      const offsets: number[] = [];
      chat.on('message', ({ data, position }) => {
        heard.push(data);
        offsets.push(position![1]);
      });
      chat.on('gap', ({ have, head }) => {
        assert.equal(have[1], offsets.at(-1) ?? 0, 'a gap begins where we are');
        for (let offset = have[1] + 1; offset <= head; offset++) offsets.push(offset);
      });
      const loop = (async () => {
        for await (const { data } of chat) looped.push(data);
      })();
      const published: string[] = [];
      const acknowledged = new Map<string, number>();
      const publish = () => {
        const data = `mine ${published.length}`;
        published.push(data);
        chat.publish(data).then((position) => acknowledged.set(data, position![1]), assert.fail);
      };
      for (const [index, step] of steps.entries()) {
        if (trims.includes(index)) hub.trim('chat:42', 1);
        switch (step.kind) {
          case 'publish':
            publish();
            break;
          case 'another':
            hub.publish('chat:42', `another's ${index}`);
            break;
          case 'frames':
            hub.step(step.up, step.down);
            break;
          case 'cut':
            hub.cut();
            break;
          case 'restart':
            hub.restart();
            break;
          case 'wait':
            clock.advance(step.milliseconds);
            break;
        }
        await turn();
      }
      await hub.settle();
      for (let round = 0; round < 10 && (chat.state !== 'live' || client.unacknowledged > 0); round++) {
        clock.advance(15_000);
        await hub.settle();
      }
      assert.equal(chat.state, 'live');
      const log = hub.dataOf('chat:42') as string[];
      assert.deepEqual(
        log.filter((data) => data.startsWith('mine')),
        published,
        'each publication is in the log once, in order',
      );
      assert.deepEqual(
        [...acknowledged].map(([data, offset]) => log[offset - 1] === data),
        published.map(() => true),
        'each was acknowledged with its place',
      );
      assert.deepEqual(
        offsets,
        [...log.keys()].map((index) => index + 1),
        'everything came or was said to be lost',
      );
      assert.deepEqual(
        heard,
        heard.filter((data) => log.includes(data)),
      );
      client.close();
      await loop;
      assert.deepEqual(looped, heard);
      assert.deepEqual(errors, []);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 300 },
  );
});
