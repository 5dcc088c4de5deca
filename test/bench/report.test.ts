import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadResult } from '../../bench/load.ts';
import { goalsText, isMet, markdown, median, ratio, type Section, sectionText } from '../../bench/report.ts';
import { WORKLOADS } from '../../bench/workloads.ts';

const samples = (...values: number[]): LoadResult[] =>
  values.map((value) => ({ value, rate: 1e6 / value, serverBusy: 0.99, loadBusy: 0.5 }));

const section = (name: string, rows: Section['rows']): Section => ({
  workload: WORKLOADS.find((workload) => workload.name === name)!,
  rows,
});

const echo = section('echo1', [
  { server: 'zocalo', samples: samples(6, 5, 100) },
  { server: 'uws', samples: samples(4, 5, 3) },
  { server: 'ws', samples: samples(10, 9, 12) },
]);

const setting = {
  date: '2030-01-02',
  machine: 'a machine',
  system: 'a system',
  versions: ['ws 1.2.3'],
  method: '3 rounds',
  remarks: ['taskset is missing'],
};

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([9, 1, 5]), 5);
});

test('a ratio is our median over the median of the peer, so that one bad round does not count', () => {
  assert.equal(ratio(echo, 'uws'), 1.5);
  assert.equal(ratio(echo, 'ws'), 0.6);
});

test('there is no ratio to a peer that was left out or has no good round', () => {
  assert.equal(ratio(echo, 'bun'), undefined);
  const failed = section('echo1', [
    { server: 'zocalo', samples: samples(1) },
    { server: 'ws', samples: [] },
  ]);
  assert.equal(ratio(failed, 'ws'), undefined);
});

test('a goal is met up to its bound and not beyond', () => {
  assert.equal(isMet({ most: 0.8 }, 0.8), true);
  assert.equal(isMet({ most: 0.8 }, 0.8001), false);
  assert.equal(isMet({ least: 1.3 }, 1.3), true);
  assert.equal(isMet({ least: 1.3 }, 1.2999), false);
});

test('the table for the terminal has aligned columns with median, spread and ratio', () => {
  const [title, header, ...lines] = sectionText(echo).split('\n');
  assert.equal(title, 'echo, 1 in flight (200 connections, 64 bytes)');
  assert.match(header!, /server +µs CPU\/message +lowest to highest +messages\/s +server busy +load busy +Zócalo\/it$/);
  assert.match(lines[0]!, /^ {2}Zócalo +6\.00 +5\.00 to 100 +166,667 +99 % +50 %$/);
  assert.match(lines[1]!, /^ {2}uWebSockets\.js +4\.00 +3\.00 to 5\.00 +250,000 +99 % +50 % +1\.500$/);
});

test('the goals say of each whether it is met, not met or not measured', () => {
  assert.equal(
    goalsText([echo, section('echo16', [])]),
    [
      '  echo, 1 in flight, to uWebSockets.js: 1.500, goal ≤ 1.25: NOT MET',
      '  echo, 1 in flight, to ws: 0.600, goal ≤ 0.8: met',
      '  echo, 16 in flight, to uWebSockets.js: not measured (goal ≤ 0.9)',
      '  echo, 16 in flight, to ws: not measured (goal ≤ 0.12)',
    ].join('\n'),
  );
});

test('the document shows setting, remarks, goals and figures', () => {
  const document = markdown(setting, [echo]);
  for (const line of [
    '- Machine: a machine',
    '- ws 1.2.3',
    '- Remark: taskset is missing',
    '| echo, 1 in flight | uWebSockets.js | ≤ 1.25 | 1.500 | **not met** |',
    '| echo, 1 in flight | ws | ≤ 0.8 | 0.600 | met |',
    '| ws | 10.00 | 9.00 to 12.00 | 100,000 | 99 % | 50 % | 0.600 |',
  ])
    assert.ok(document.split('\n').includes(line), line);
});

test('a server that failed is named with the reason, and its goals are not measured', () => {
  const failed = section('echo1', [
    { server: 'zocalo', samples: samples(5) },
    { server: 'ws', samples: [], error: 'not ready in 20 s' },
  ]);
  assert.match(sectionText(failed), /ws failed: not ready in 20 s/);
  assert.match(markdown(setting, [failed]), /\| echo, 1 in flight \| ws \| ≤ 0\.8 \| – \| not measured \|/);
});

test('memory has no rate', () => {
  const memory = section('memory', [
    { server: 'zocalo', samples: samples(4) },
    { server: 'ws', samples: samples(8) },
  ]);
  assert.doesNotMatch(sectionText(memory), /\/s\b/);
  assert.match(sectionText(memory), /KiB\/connection/);
});
