import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CopiedGroup, copiedGroup } from './copied-group.ts';

/** Milliseconds that announcements may come after an answer. */
const GRACE = 250;

test('an answer that overtakes what it has is told as it was announced, who went and came again too', async () => {
  const group = await copiedGroup('ana', 'luis');
  group.read();
  group.change('luis');
  group.change('ana', 'eva');
  group.change('luis');
  await group.settleAnswer();
  assert.deepEqual(group.told, [], 'the announcements are on their way');
  while (group.coming.length > 0) await group.hear();
  assert.deepEqual(group.told, ['-luis', '-ana', '+eva', '+luis']);
  assert.equal(group.missed, 0);
  assert.equal(group.clock.pending, 0);
});

test('changes that come in another order are told in theirs', async () => {
  const group = await copiedGroup('ana');
  for (const member of ['luis', 'eva', 'ana']) group.change(member);
  await group.hear(2);
  await group.hear(1);
  assert.deepEqual(group.told, []);
  await group.hear();
  await group.settle();
  assert.deepEqual(group.told, ['+luis', '+eva', '-ana']);
  assert.equal(group.missed, 0);
});

test('what was announced before a group was emptied is not told again', async () => {
  const group = await copiedGroup();
  const joined = group.change('ana');
  await group.hear();
  group.change('ana');
  await group.hear();
  // As when the answer to the node's own saying comes after the announcements.
  group.copy.take(joined);
  assert.deepEqual(group.told, ['+ana', '-ana']);
  await group.settle();
  assert.deepEqual([...group.known], []);
});

test('what was announced and lost is told by its differences, and that it was lost is counted', async () => {
  const group = await copiedGroup('ana', 'luis');
  group.change('eva');
  group.change('luis');
  group.change('eva');
  for (let n = 0; n < 3; n++) group.lose();
  group.change('max');
  await group.hear();
  await group.settleAnswer();
  await group.advance(GRACE);
  assert.deepEqual(group.told, ['-luis', '+max'], 'eva came and went');
  assert.equal(group.missed, 1);
  group.change('ana');
  await group.hear();
  assert.deepEqual(group.told.slice(2), ['-ana']);
});

test('while others may still have to say who is there, nobody leaves whom an answer does not have', async () => {
  const group = await copiedGroup('ana', 'luis');
  group.isQuiet = true;
  group.change('luis', 'eva');
  group.lose();
  group.read();
  await group.settle();
  assert.deepEqual(group.told, ['+eva']);
  group.isQuiet = false;
  group.read();
  await group.settle();
  assert.deepEqual(group.told, ['+eva', '-luis']);
  assert.equal(group.missed, 2);
});

test('a store that has lost its end is followed at once, and what was heard before does not come back', async () => {
  const group = await copiedGroup('ana');
  group.change('luis');
  group.change('eva');
  await group.hear();
  await group.hear();
  group.loseEnd(1, 0);
  group.read();
  await group.settleAnswer();
  assert.deepEqual(group.told, ['+luis', '+eva', '-eva']);
  group.change('ana');
  await group.hear();
  await group.settle();
  assert.deepEqual([...group.known], ['luis']);
});

type Step = (group: CopiedGroup) => unknown;

const member = fc.constantFrom('ana', 'luis', 'eva');
const named = (name: string, step: Step): Step => Object.assign(step, { toString: () => name });
const step = (name: string, run: Step) => fc.constant(named(name, run));
const changed = fc
  .array(member, { minLength: 1, maxLength: 3 })
  .map((members) => named(`change ${members}`, (group) => group.change(...members)));
const heard = fc.nat(2).map((n) => named(`hear ${n}`, (group) => group.hear(n)));
const answered = [
  step('read', (group) => group.read()),
  step('serve', (group) => group.serve()),
  step('answer', (group) => group.answer()),
];
const late = [
  step('lose', (group) => group.lose()),
  step('advance', (group) => group.advance(GRACE)),
  step('fail', (group) => group.answer(true)),
];

const stepsOf = (...steps: fc.Arbitrary<Step>[]) => fc.array(fc.oneof(...steps), { maxLength: 40 });

/** Does these steps, and then what a node does when all has come that comes: it compares versions. */
async function run(steps: readonly Step[], ...members: readonly string[]): Promise<CopiedGroup> {
  const group = await copiedGroup(...members);
  for (const step of steps) await step(group);
  while (group.coming.length > 0) await group.hear();
  await group.settle();
  group.check();
  await group.settle();
  return group;
}

function expectSame(group: CopiedGroup): void {
  assert.deepEqual([...group.known].sort(), [...group.members].sort(), group.told.join(' '));
  assert.equal(group.clock.pending, 0);
}

test('a copy that has missed nothing is told what was announced, however often it is read meanwhile', async () => {
  const inOrder = step('hear', (group) => group.hear());
  // Each life of a group that is emptied begins anew: then the order of what is heard is all that there is.
  for (const [members, hearing] of [[['resident'], heard] as const, [[], inOrder] as const])
    await fc.assert(
      fc.asyncProperty(stepsOf(changed, changed, hearing, hearing, ...answered), async (steps) => {
        const group = await run(steps, ...members);
        assert.deepEqual(group.told, group.announced);
        assert.equal(group.missed, 0);
        expectSame(group);
      }),
      { numRuns: 300 },
    );
});

test('a copy that was told something else has counted that it missed something, and ends with who is there', async () => {
  const steps = stepsOf(changed, changed, heard, heard, ...answered, ...late);
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const group = await run(steps, 'resident');
      expectSame(group);
      if (group.missed === 0) assert.deepEqual(group.told, group.announced);
    }),
    { numRuns: 600 },
  );
});

test('a copy ends with who is there, whatever the store loses, and whatever its clocks say', async () => {
  const lost = fc
    .tuple(fc.nat(4), fc.integer({ min: -20, max: 20 }))
    .map(([count, skew]) => named(`lose ${count} skew ${skew}`, (group) => group.loseEnd(count, skew)));
  const quiet = fc.boolean().map((is) =>
    named(`quiet ${is}`, (group) => {
      group.isQuiet = is;
    }),
  );
  const steps = fc.array(fc.oneof(changed, changed, heard, heard, ...answered, ...late, lost, quiet), {
    maxLength: 40,
  });
  for (const members of [['resident'], []])
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const group = await run(steps, ...members);
        // As when its connection stands again, and when others had time to say who is there.
        group.isQuiet = false;
        group.read();
        await group.settle();
        expectSame(group);
      }),
      { numRuns: 300 },
    );
});
