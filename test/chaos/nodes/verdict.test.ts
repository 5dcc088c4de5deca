import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Position } from '../../../src/client/index.ts';
import { type Evidence, judge } from './verdict.ts';

const at = (offset: number, epoch = 'e'): Position => [epoch, offset];
const sent = [1, 2, 3].map((n) => ({ id: `p/${n}`, publisher: 'p', channel: 'a', at: at(n) }));
const entries = sent.map(({ id, at }) => ({ id, at }));
const reader = (told: Evidence['readers'][number]['told']) => ({ name: 'ana', channel: 'a', start: at(0), told });
const gap = { epoch: 'f', head: 1, oldest: 1, have: at(3) };

function violationsOf(evidence: Partial<Evidence>): string[] {
  const all = { sent, readers: [reader(entries)], logs: new Map([['a', entries]]), isDurable: true };
  return judge({ ...all, ...evidence }).violations;
}

test('the judge of the nodes finds nothing where nothing is wrong, and each thing that may be', () => {
  assert.deepEqual(violationsOf({}), []);
  const [one, two, three] = entries as [(typeof entries)[0], (typeof entries)[0], (typeof entries)[0]];
  const cases: [string, Partial<Evidence>, RegExp][] = [
    ['one is missing', { readers: [reader([one, three])] }, /came after e,1, without a word/],
    ['the last is missing', { readers: [reader([one, two])] }, /p\/3 at e,3 of a never came/],
    ['one comes twice', { readers: [reader([one, two, two, three])] }, /came twice/],
    ['the order is wrong', { readers: [reader([two, one, three])] }, /without a word/],
    ['lost', { logs: new Map([['a', [one, two]]]) }, /p\/3 was acknowledged at e,3 of a, and is not in the log/],
    ['stored twice', { logs: new Map([['a', [...entries, { id: 'p/3', at: at(4) }]]]) }, /has p\/3 twice/],
    ['overtaken', { logs: new Map([['a', [one, { id: 'p/3', at: at(2) }]]]) }, /is p\/3, and elsewhere p\/2/],
    ['a gap for nothing', { readers: [reader([...entries, { gap }])] }, /1 gaps were told/],
  ];
  for (const [what, evidence, pattern] of cases)
    assert.ok(
      violationsOf(evidence).some((text) => pattern.test(text)),
      what,
    );
  // After a failover that lost two: the second one is another now, under another epoch.
  const other = { id: 'p/4', at: at(2, 'f') };
  const logs = new Map([['a', [{ id: 'p/1', at: at(1, 'f') }, other]]]);
  const failover = { sent: [...sent, { ...other, publisher: 'p', channel: 'a' }], logs, isDurable: false };
  assert.deepEqual(violationsOf({ ...failover, readers: [reader([...entries, { gap }, other])] }), []);
  assert.ok(violationsOf({ ...failover, readers: [reader([...entries, other])] }).length > 0, 'the gap was not told');
  const same = { ...failover, sent: [...sent, { id: 'p/4', publisher: 'p', channel: 'a', at: at(2) }] };
  assert.match(violationsOf({ ...same, readers: [] }).join(), /a e 2 is p\/4, and elsewhere p\/2/);
});
