import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallResult } from '../../bench/handlers/calls.ts';
import { callPart, chatPart, crowdPart, type Outcome, stuckPart } from '../../bench/handlers/report.ts';
import { LOOP, withUndelayed, ZOCALO } from '../../bench/handlers/rooms.ts';
import type { LoadResult } from '../../bench/load.ts';

const loads = (...values: number[]): Outcome<LoadResult> => ({
  samples: values.map((value) => ({ value, rate: 1_000 / value, serverBusy: 1, loadBusy: 0.5 })),
});
const failed = (failure: string): Outcome<LoadResult> => ({ samples: [], failure });
const calls = (zocalo: number, perSecond: number): Outcome<CallResult> => ({
  samples: [{ perSecond, p50: 1, p99: 2, zocalo }],
});

test("Zócalo's median is compared with the loop's, and each contestant has a line", () => {
  const by = { [ZOCALO]: loads(8, 2, 4), [LOOP]: loads(5, 5, 5), Workerman: loads(2) };
  const part = chatPart([{ title: 'echo', goal: { most: 1 }, by }]);
  assert.deepEqual(part.goals, [{ title: "echo, CPU to the loop's", goal: { most: 1 }, reached: 0.8 }]);
  assert.deepEqual(
    part.lines.map((line) => [line[0], line[1], line[2], line[6]]),
    [
      ['echo: zocalo run', '4.00', '2.00 to 8.00', ''],
      ["echo: the library's loop", '5.00', '5.00 to 5.00', '0.80'],
      ['echo: Workerman', '2.00', '2.00 to 2.00', '2.00'],
    ],
  );
});

test("the library's loop runs once more with TCP_NODELAY, right after its own row, and no other room does", () => {
  const room = (name: string) => ({ name, command: ['php'], library: 'x' });
  const all = withUndelayed([room(ZOCALO), room(LOOP), room('Workerman')]);
  assert.deepEqual(
    all.map(({ name, noDelay }) => [name, noDelay]),
    [
      [ZOCALO, undefined],
      [LOOP, undefined],
      [`${LOOP}, TCP_NODELAY`, true],
      ['Workerman', undefined],
    ],
  );
  assert.equal(withUndelayed([room(ZOCALO)]).length, 1);
});

test('what a contestant could not do is said in its line, and the goal is compared with what it can', () => {
  const row = { title: '5,000', goal: { most: 1 }, by: { [ZOCALO]: loads(4), [LOOP]: failed('1018 of 4800') } };
  const part = crowdPart(row, loads(8));
  assert.equal(part.goals[0]!.reached, 0.5);
  assert.deepEqual(part.lines[1]!.slice(0, 2), ["echo, 1 in flight: the library's loop", '1018 of 4800']);
  assert.equal(crowdPart(row, undefined).goals[0]!.reached, undefined);
});

test('a reader that never reads freezes one contestant, and costs the other a share', () => {
  const part = stuckPart(
    [
      { name: ZOCALO, without: loads(10), with: loads(10.5) },
      { name: LOOP, without: loads(5), with: failed('no message arrived') },
    ],
    'a room',
  );
  assert.equal(part.goals.length, 1);
  assert.equal(part.goals[0]!.reached, 1.05);
  assert.deepEqual(part.lines[1], [LOOP, '5.00', 'no message arrived', '200', '0']);
});

test('a call over pipes has goals, the others are beside it', () => {
  const none = { samples: [] };
  const part = callPart(
    [
      { carrier: 'pipes', workers: 4, many: calls(30, 12_000), one: none, alone: calls(10, 20_000) },
      { carrier: 'HTTP', workers: 1, many: { samples: [], failure: 'no php' }, one: none, alone: none },
    ],
    64,
  );
  assert.deepEqual(
    part.goals.map(({ title, reached }) => [title, reached]),
    [
      ['µs CPU in Zócalo for a call, pipes, 4', 30],
      ['calls a second, pipes, 4', 12_000],
    ],
  );
  assert.deepEqual(part.lines[0]!.slice(1, 4), ['12,000', '1.00 / 2.00', '– / –']);
  assert.deepEqual(part.lines[1]!.slice(0, 2), ['HTTP, 1', 'no php']);
  assert.equal(part.lines[1]!.length, part.header.length);
});
