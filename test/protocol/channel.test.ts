import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern, isChannel, isPattern, PatternTable } from '../../src/protocol/index.ts';

test("a channel name has the characters that a URL's path may have", () => {
  for (const name of ['a', 'chat:42', '/rooms/caf%C3%A9', "a-._~!$&'()+,;=:@/%", 'x'.repeat(255)]) {
    assert.ok(isChannel(name), name);
  }
  for (const name of ['', 'x'.repeat(256), 'a b', 'café', 'a\n', 'a*', '"', '\\', '$system', 'a\u0000', 42, null]) {
    assert.ok(!isChannel(name), String(name));
  }
});

test('a pattern is a name with stars, never two in a row', () => {
  for (const pattern of ['*', 'chat:*', '*:42', 'a*b*c']) assert.ok(isPattern(pattern), pattern);
  for (const pattern of ['', 'chat', '**', 'a**b', '$*', 'a b*', `${'x'.repeat(255)}*`]) {
    assert.ok(!isPattern(pattern), pattern);
  }
});

test('a star matches one character or more, including colons and slashes', () => {
  const chat = compilePattern('chat:*');
  assert.ok(chat('chat:42') && chat('chat:42:typing') && chat('chat:/'));
  assert.ok(!chat('chat:') && !chat('chat') && !chat('xchat:42'));
  assert.ok(compilePattern('a*a')('aba') && !compilePattern('a*a')('aa') && !compilePattern('a*a')('a'));
  assert.ok(compilePattern('*')('anything'));
  assert.ok(compilePattern('chat')('chat') && !compilePattern('chat')('chat:1'));
});

test('a compiled pattern agrees with the equivalent regular expression', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', ':'), maxLength: 9 });
  const patterns = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(patterns.filter(isPattern), letters, (pattern, name) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.+')}$`).test(name);
      assert.equal(compilePattern(pattern)(name), expected);
    }),
    { numRuns: 2000 },
  );
});

test('the most specific entry wins, however the entries are ordered', () => {
  const winners: [string, string][] = [
    ['chat:42', 'chat:42'],
    ['chat:43', 'chat:4*'],
    ['chat:50', 'chat:*'],
    ['chat:50:typing', 'chat:*:typing'],
    ['news', '*'],
    ['a:b', 'a:*'], // as many characters as *:b, but its star comes later
  ];
  const entries = ['*', 'chat:*', 'chat:4*', 'chat:42', 'chat:*:typing', '*:b', 'a:*'].map((p) => [p, p] as const);
  fc.assert(
    fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (shuffled) => {
      const table = new PatternTable(shuffled);
      for (const [channel, winner] of winners) assert.equal(table.match(channel)?.value, winner, channel);
    }),
  );
});

test('a table without an entry for a channel returns none, and refuses an invalid pattern', () => {
  assert.equal(new PatternTable({ 'chat:*': 1 }).match('news'), undefined);
  assert.deepEqual(new PatternTable({ news: undefined }).match('news'), { pattern: 'news', value: undefined });
  assert.throws(() => new PatternTable({ 'a b': 1 }), /"a b" is neither/);
});
