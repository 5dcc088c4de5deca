import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Semaphore } from '../src/semaphore.ts';

/** Pieces of work that end when they are told to, and the order in which they began. */
function workshop(semaphore: Semaphore) {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  return {
    begun,
    bring(name: string): Promise<string> {
      ends.set(name, Promise.withResolvers());
      return semaphore.run(() => {
        begun.push(name);
        return ends.get(name)!.promise;
      });
    },
    finish: (name: string) => ends.get(name)!.resolve(name),
    fail: (name: string) => ends.get(name)!.reject(new Error(name)),
  };
}

test('a limited amount of work runs at once, and the rest starts in order of arrival', async () => {
  const { begun, bring, finish } = workshop(new Semaphore(2));
  const works = ['a', 'b', 'c', 'd'].map(bring);
  assert.deepEqual(begun, ['a', 'b']);
  finish('b');
  await works[1];
  assert.deepEqual(begun, ['a', 'b', 'c']);
  for (const name of ['a', 'c', 'd']) finish(name);
  assert.deepEqual(await Promise.all(works), ['a', 'b', 'c', 'd']);
});

test('failing work returns its permit', async () => {
  const { begun, bring, finish, fail } = workshop(new Semaphore(1));
  const [a, b] = [bring('a'), bring('b')];
  fail('a');
  await assert.rejects(a, { message: 'a' });
  finish('b');
  assert.equal(await b, 'b');
  void bring('c');
  assert.deepEqual(begun, ['a', 'b', 'c']);
});

test("work beyond the queue's limit is refused, and holds no permit", async () => {
  const { begun, bring, finish } = workshop(
    new Semaphore(1, { queueLimit: 1, refusal: () => new RangeError('too many') }),
  );
  const [a, b] = [bring('a'), bring('b')];
  await assert.rejects(bring('c'), { name: 'RangeError', message: 'too many' });
  finish('a');
  finish('b');
  await Promise.all([a, b]);
  void bring('d');
  assert.deepEqual(begun, ['a', 'b', 'd']);
});
