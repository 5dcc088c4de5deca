import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { readConstants } from '../../bench/scale/constants.ts';
import { HEADROOM, needsOf, nodeOf, nodesOfChannel } from '../../bench/scale/model.ts';
import { filled } from '../../bench/scale/report.ts';

const constants = readConstants();

test('docs/scale.md has what its constants give', () => {
  const document = readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8');
  assert.equal(filled(document, constants), document, 'run npm run scale');
});

test('a channel is heard on as many nodes as a simulation of chance finds', () => {
  // A fixed sequence of numbers, so that the test has one outcome.
  let state = 1;
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((below * state) / 2_147_483_647);
  };
  for (const [nodes, subscribers] of [
    [3, 2],
    [10, 50],
    [40, 50],
  ] as const) {
    const found = Array.from(
      { length: 4_000 },
      () => new Set(Array.from({ length: subscribers }, () => random(nodes))).size,
    );
    const mean = found.reduce((sum, one) => sum + one, 0) / found.length;
    const workload = { name: '', connections: subscribers, channels: 1, subscriptions: 1, publications: 1 };
    assert.ok(Math.abs(mean - nodesOfChannel(workload, nodes)) < 0.05 * mean, `${nodes}: ${mean}`);
  }
});

test('what is needed stays within the headroom, and one node less would not', () => {
  const workload = fc.record({
    name: fc.constant('any'),
    connections: fc.integer({ min: 1_000, max: 2_000_000 }),
    channels: fc.integer({ min: 1, max: 1_000 }),
    subscriptions: fc.integer({ min: 1, max: 5 }),
    publications: fc.integer({ min: 1, max: 1_000 }),
  });
  fc.assert(
    fc.property(workload, (one) => {
      // A channel that everybody must hear cannot be spread, and for more deliveries no number of nodes is enough.
      fc.pre((one.publications * constants.node.hearing) / 1e6 < HEADROOM.cpu / 2);
      fc.pre((one.publications * one.connections * one.subscriptions) / one.channels < 1e9);
      const needs = needsOf(one, constants);
      assert.ok(needs.node.cpu <= HEADROOM.cpu && needs.node.memory <= HEADROOM.memory, JSON.stringify(needs.node));
      assert.ok(needs.shard.cpu <= HEADROOM.cpu);
      assert.equal(needs.deliveries, (one.publications * one.connections * one.subscriptions) / one.channels);
      if (needs.nodes === 1) return;
      const fewer = nodeOf(one, constants, HEADROOM, needs.nodes - 1);
      assert.ok(fewer.cpu > HEADROOM.cpu || fewer.memory > HEADROOM.memory, `${needs.nodes} nodes`);
    }),
  );
});

test('nothing is promised where each node must hear more than it can', () => {
  const workload = { name: '', connections: 1e6, channels: 1, subscriptions: 1, publications: 1e6 };
  assert.throws(() => needsOf(workload, constants), RangeError);
});
