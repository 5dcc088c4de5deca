import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatGrants, isUserId, parseGrants } from '../../../src/server/auth/index.ts';

test('rights are read by their verb, in their order, and written the same way again', () => {
  const can = ['sub:chat:*', 'pub:chat:42', 'sub:news', 'presence:chat:42', 'pub:a:*'];
  const rights = { subscribe: ['chat:*', 'news'], publish: ['chat:42', 'a:*'], presence: ['chat:42'] };
  assert.deepEqual(parseGrants(can), rights);
  assert.deepEqual(parseGrants(formatGrants(rights)), rights);
  assert.deepEqual(formatGrants({ publish: ['a'] }), ['pub:a']);
  assert.deepEqual(parseGrants([]), { subscribe: [], publish: [], presence: [] });
});

test('no rights at all, undefined or null, leave the decision to the channels', () => {
  assert.deepEqual([parseGrants(undefined), parseGrants(null)], [undefined, undefined]);
});

test('what cannot be rights is refused, and the entry that is wrong is numbered from 1', () => {
  for (const can of ['sub:news', 7, {}, { length: 1, 0: 'sub:news' }, true, false])
    assert.throws(() => parseGrants(can), { name: 'RangeError', message: '`can` is not a list' });
  for (const entry of ['sub:', 'news', 'admin:*', 'sub:a**', 'xsub:news', ['sub:news'], null, 7])
    assert.throws(() => parseGrants(['sub:news', entry]), { name: 'RangeError', message: /entry, number 2,/ });
});

test('somebody may have a thousand rights, and not one more', () => {
  const can = Array.from({ length: 1_000 }, (_, n) => `sub:room:${n}`);
  assert.equal(parseGrants(can)?.subscribe?.length, 1_000);
  assert.throws(() => parseGrants([...can, 'pub:news']), { name: 'RangeError', message: /more than 1000/ });
});

test('a user id is a text of 1 to 255 characters that a line, a terminal and the path of a URL can hold', () => {
  for (const id of ['a', 'x'.repeat(255), '...', '.a', 'ana@example.org', 'José María', '😀'])
    assert.ok(isUserId(id), id);
  for (const id of ['', 'x'.repeat(256), '.', '..', 'a\nb', '\u0000', '\u009b', 'a\ud83d', 7, null, undefined, ['a']])
    assert.ok(!isUserId(id), String(id));
});
