import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../bench/hub/histogram.ts';
import type { LatencyResult } from '../../bench/hub/latency.ts';
import { goalsText, largest, latencyPart, publishPart, resultsMarkdown, roomPart } from '../../bench/hub/report.ts';

const setting = {
  date: '2030-01-02',
  machine: 'a machine',
  system: 'a system',
  versions: ['Socket.IO 1.2.3'],
  method: '3 rounds',
  remarks: ['the machine was not quiet'],
};

const publishing = publishPart([
  {
    publishers: 64,
    keyed: true,
    samples: {
      memory: [{ perSecond: 200_000, delay: 1 }],
      sqlite: [
        { perSecond: 20_000, delay: 2 },
        { perSecond: 29_000, delay: 21 },
        { perSecond: 28_000, delay: 1 },
      ],
      bare: [{ perSecond: 40_000, delay: 0 }],
    },
  },
]);

const results = (value: number) => [{ value, rate: 1e6 / value, serverBusy: 1, loadBusy: 0.5 }];

const step = (rate: number, sustained: boolean): LatencyResult => ({
  rate,
  sustained,
  p50: 1.5,
  p99: 9,
  delivered: rate * 1_000,
  serverBusy: 0.8,
  loadBusy: 0.9,
});

test('publishing has medians, the ratio to the bare loop, and the worst round of the delay', () => {
  assert.deepEqual(publishing.lines, [['64 publishers, with keys', '200,000', '28,000', '40,000', '0.70', '21.00']]);
  assert.equal(
    goalsText([publishing]),
    [
      '  acknowledged a second, memory, 64 publishers, with keys: 200,000 (goal ≥ 100,000), met',
      '  acknowledged a second, sqlite, 64 publishers, with keys: 28,000 (goal ≥ 30,000), **not met**',
      '  sqlite to a bare loop, 64 publishers, with keys: 0.700 (goal ≥ 0.5), met',
      '  event-loop delay p99 in ms, sqlite, 64 publishers, with keys: 21.00 (goal ≤ 20), **not met**',
    ].join('\n'),
  );
});

test('a room is compared with its peer, and its goal is not measured where the peer is missing', () => {
  const part = roomPart(
    [
      { inFlight: 1, goal: { most: 0.7 }, samples: { zocalo: results(3), socketio: results(5) } },
      { inFlight: 16, goal: { most: 0.08 }, samples: { zocalo: results(0.5), socketio: [] } },
    ],
    200,
  );
  assert.deepEqual(
    part.goals.map(({ reached }) => reached),
    [0.6, undefined],
  );
  assert.match(goalsText([part]), /16 in flight, to Socket\.IO: – \(goal ≤ 0\.08\), not measured/);
});

test('the largest rate is the last that was sustained, and the note says whether what was asked for was possible', () => {
  const climbed = [step(100, true), step(1_000, true), step(3_000, false)];
  assert.equal(largest(climbed)?.rate, 1_000);
  assert.equal(largest([step(1, false)]), undefined);
  const note = (asked: number) =>
    latencyPart([{ broker: 'sqlite', climbed, tenth: step(100, true), asked }], 1_000).notes[0]!;
  assert.match(
    note(3_000),
    /3,000 publications a second, which are 3,000,000 deliveries; .* 1,000, .*\*\*not reached\*\*/,
  );
  assert.match(note(500), /so that was possible/);
});

test('the document has setting, remarks, goals and figures', () => {
  const lines = resultsMarkdown('the hub', 'bench:hub', setting, [publishing]).split('\n');
  for (const line of [
    '- Socket.IO 1.2.3',
    '- Remark: the machine was not quiet',
    '| sqlite to a bare loop, 64 publishers, with keys | ≥ 0.5 | 0.700 | met |',
    '### Publications acknowledged a second, on one core, through `hub.publish`',
  ])
    assert.ok(lines.includes(line), line);
});

test('a percentile is the tenth of a millisecond below which that share lies', () => {
  const histogram = new Histogram();
  assert.ok(Number.isNaN(histogram.percentile(0.5)));
  for (let at = 0; at < 100; at++) histogram.add(at);
  assert.equal(histogram.percentile(0.5), 49.1);
  assert.equal(histogram.percentile(0.99), 98.1);
  histogram.add(1e9);
  assert.equal(histogram.percentile(1), 10_000.1, 'what took longer counts too');
});
