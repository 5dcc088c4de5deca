import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dataDigest, KeyTable, nameDigest } from '../../src/broker/key-table.ts';
import { heldMemory } from '../support/memory.ts';

const at = (now: number) => ({ now, sure: now, since: 0 });

test('a table of keys agrees with a plain list for any sequence of additions, removals and undos', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), key: fc.nat(400), data: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('undo' as const), count: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge' as const) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 800, size: 'max' }), (steps) => {
      const table = new KeyTable({ ttl: 100, count: 10_000 });
      let list: { key: number; data: number; offset: number; time: number }[] = [];
      /** What may be taken back: the latest ones, at one time. */
      let fresh = 0;
      let now = 0;
      let offset = 0;
      const known = (key: number) => list.findLast((one) => one.key === key && one.time + 100 > now);
      for (const step of steps) {
        if (step.kind === 'add') {
          const { key, data } = step;
          const found = table.find(nameDigest('log', `${key}`), dataDigest(`${data}`), at(now));
          const expected = known(key);
          assert.deepEqual(found, expected && { offset: expected.offset, isSame: expected.data === data });
          if (found) continue;
          table.add(nameDigest('log', `${key}`), dataDigest(`${data}`), ++offset, now, undefined);
          list.push({ key, data, offset, time: now });
          fresh++;
        } else if (step.kind === 'undo') {
          for (let left = Math.min(step.count, fresh); left > 0; left--, fresh--)
            table.undo(nameDigest('log', `${list.pop()!.key}`));
        } else if (step.kind === 'wait') {
          now += step.ms;
          fresh = 0;
        } else {
          table.purge(at(now));
          list = list.filter(({ time }) => time + 100 > now);
          fresh = Math.min(fresh, list.length);
          assert.equal(table.size, list.length);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('expired keys are removed, and their memory freed', () => {
  const table = new KeyTable({ ttl: 100, count: 1_000_000 });
  let most = 0;
  for (let now = 0; now < 1_000; now++) {
    for (let n = 0; n < 100; n++) table.add(nameDigest(now, `${n}`), dataDigest('1'), n, now, `${now}`);
    table.purge(at(now));
    most = Math.max(most, table.bytes);
  }
  assert.equal(table.size, 10_000);
  // A record of 44 bytes, its place in the index, and what the 64 parts have begun of their next chunk.
  assert.ok(most < 10_000 * 100 + 64 * 2 * 128 * 44, `${most} bytes`);
});

test('owners whose keys are gone cost no memory', () => {
  const table = new KeyTable({ ttl: 1, count: 1_000 });
  const name = nameDigest('log', '1');
  const visit = (now: number) => {
    table.add(name, name, 1, now, `owner ${now}`);
    table.purge(at(now + 1));
  };
  visit(0);
  const before = heldMemory();
  for (let now = 1; now < 300_000; now++) visit(now);
  const held = heldMemory() - before;
  assert.equal(table.size, 0);
  assert.ok(held < 1e6, `${held} bytes are held for nobody`);
});

test('an owner of many keys is refused further ones while others are not, until some expire', () => {
  const table = new KeyTable({ ttl: 100, count: 90 });
  const fill = (owner: string | undefined, now = 0): number => {
    for (let n = 0; ; n++) {
      if (!table.hasRoom(owner, at(now))) return n;
      table.add(nameDigest('log', `${owner} ${now} ${n}`), dataDigest('1'), n, now, owner);
    }
  };
  assert.equal(fill('ana'), 45, 'as many as are left');
  assert.equal(fill('luis'), 23);
  assert.equal(fill(undefined), 20, 'eight times what is left for the server');
  assert.equal(fill('eva'), 1);
  assert.equal(fill('ana', 50), 0);
  assert.equal(fill('ana', 100), 45);
});
