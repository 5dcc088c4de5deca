import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Compared, Comparison } from './comparison.ts';

/** Two watchers that have been compared once, and what their nodes have missed. */
async function scene(bound = 20) {
  const watchers = ['one', 'two'].map((name) => ({ name, lives: 1, changes: [] as Compared['changes'] }));
  const missed: (number | undefined)[] = [0, 0];
  const later: (() => void)[] = [];
  const comparison = new Comparison({
    watchers,
    channels: ['a', 'b'],
    missed: async (at) => {
      later.shift()?.();
      return missed[at];
    },
    bound,
    calm: 1,
  });
  const tell = (at: number, ...told: string[]) =>
    watchers[at]!.changes.push(
      ...told.map((text) => ({ channel: text[1]!, verb: text[0] as '+' | '-', name: text.slice(2) })),
    );
  await comparison.judge('the start');
  /** Does it in the second look of the next judgement. */
  const soon = (does: () => void) => later.push(...watchers.map(() => () => {}), does);
  return { watchers, missed, comparison, tell, soon };
}

test('watchers that were told the same of each channel are right', async () => {
  const { comparison, tell } = await scene();
  tell(0, '+aana', '+bluis', '-aana');
  tell(1, '+bluis', '+aana', '-aana');
  assert.deepEqual(await comparison.judge('it', 3), []);
  assert.deepEqual([comparison.compared, comparison.excused], [2, 2], 'nobody could be compared at the start');
});

for (const [what, told] of Object.entries({
  'another order': ['-aana', '+aluis'],
  'a change less': ['+aluis'],
  'a coming and going more': ['+aluis', '-aana', '+aeva', '-aeva'],
  'another channel': ['+aluis', '-bana'],
}))
  test(`${what} is wrong when neither node has missed anything, and right when one has, or when the watcher is new`, async () => {
    for (const excuse of [undefined, 'missed', 'lives', 'silent'] as const) {
      const { comparison, tell, missed, watchers } = await scene();
      tell(0, '+aluis', '-aana');
      tell(1, ...told);
      if (excuse === 'missed') missed[1] = 1;
      if (excuse === 'silent') missed[1] = undefined;
      if (excuse === 'lives') watchers[1]!.lives = 2;
      const wrong = await comparison.judge('it');
      assert.equal(wrong.length > 0, excuse === undefined, `${excuse}: ${wrong}`);
      // What was wrong once is not wrong for ever.
      missed[1] ??= 0;
      await comparison.judge('it');
      assert.deepEqual(await comparison.judge('it', 0), []);
    }
  });

test('what is told a little later is waited for, and so is a node that finds later that it has missed something', async () => {
  const late = await scene(60_000);
  late.tell(0, '+aana', '-aana');
  late.tell(1, '+aana');
  late.soon(() => late.tell(1, '-aana'));
  assert.deepEqual(await late.comparison.judge('it'), []);
  const found = await scene(60_000);
  found.tell(0, '+aana', '-aana');
  found.soon(() => {
    found.missed[1] = 1;
  });
  assert.deepEqual(await found.comparison.judge('it'), []);
  assert.equal(found.comparison.excused, 3);
});

test('the number of changes is looked at, if it is known', async () => {
  const { comparison, tell } = await scene();
  for (const at of [0, 1]) tell(at, '+aana');
  assert.match(String(await comparison.judge('it', 2)), /there must be 2 changes/);
});
