import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framersPart, idlePart, outboxPart } from '../../bench/sources/report.ts';

const common = { p50: null, p99: null, cpu: 50 };

test('a backlog is judged by its rate, and rows that come by their latency: strictly where the database tells of them', () => {
  const steady = {
    title: 'steady',
    mode: 'steady',
    samples: [{ perSecond: 4_900, p50: 30, p99: 90, cpu: 60 }],
  } as const;
  const { goals, lines } = outboxPart([
    {
      database: 'A',
      isWoken: true,
      title: 'a backlog',
      mode: 'backlog',
      samples: [4_000, 6_000, 9_000].map((perSecond) => ({ ...common, perSecond })),
    },
    { ...steady, database: 'A', isWoken: true, samples: [...steady.samples] },
    { ...steady, database: 'B', isWoken: false, samples: [] },
  ]);
  assert.deepEqual(
    goals.map(({ goal, reached }) => [goal, reached]),
    [
      [{ least: 5_000 }, 6_000],
      [{ most: 20 }, 30],
      [{ most: 150 }, undefined],
    ],
  );
  assert.deepEqual(lines, [
    ['A, a backlog', '6,000', '–', '–', '50.00'],
    ['A, steady', '4,900', '30.00', '90.00', '60.00'],
    ['B, steady', '–', '–', '–', '–'],
  ]);
});

test('framers are shown in millions, and the goal is for lines', () => {
  const { goals, lines } = framersPart([1e6, 3e6].map((perSecond) => [{ name: 'lines', perSecond }]));
  assert.deepEqual(lines, [['lines', '2.00', '1.00 to 3.00']]);
  assert.equal(goals[0]!.reached, 2e6);
  assert.equal(framersPart([]).goals[0]!.reached, undefined);
});

test('idle connections are shown in KiB each', () => {
  const { lines } = idlePart([{ title: 'devices', samples: [2_048, 4_096, 1_024] }], 5_000);
  assert.deepEqual(lines, [['devices', '2.00', '1.00 to 4.00']]);
});
