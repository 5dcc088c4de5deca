import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Keys } from '../../../src/broker/redis/keys.ts';
import { evenTags, SLOTS, slotOf } from '../../../src/broker/redis/slots.ts';

test('slots are those of Redis', () => {
  // CLUSTER KEYSLOT of redis-server 7.0.15, and the check value of the specification.
  assert.equal(slotOf('123456789'), 0x31c3);
  assert.equal(slotOf('foo'), 12_182);
  assert.equal(slotOf('somekey'), 11_058);
  assert.equal(slotOf(''), 0);
});

test('each tag is in its own range of slots, so that any division of the slots divides the tags evenly', () => {
  const tags = evenTags(1_024);
  for (const [at, tag] of tags.entries()) assert.equal(Math.floor(slotOf(tag) / (SLOTS / 1_024)), at);
  for (const servers of [3, 6, 7]) {
    const counts = new Array(servers).fill(0);
    for (const tag of tags) counts[Math.floor((slotOf(tag) * servers) / SLOTS)]++;
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 2, `${servers}: ${counts}`);
  }
});

test('all keys of a channel have one hash tag, and no two channels share a key', () => {
  const keys = new Keys('town');
  const tagOf = (key: string) => /^town:\{(\w+)\}/.exec(key)?.[1];
  fc.assert(
    fc.property(fc.stringMatching(/^[\w:{}.-]{1,40}$/), fc.string(), (channel, key) => {
      const { seeds, log, entries, topic } = keys.of(channel);
      const all = [seeds, log, entries, topic, keys.known(keys.of(channel), key)];
      assert.equal(new Set(all).size, 5);
      assert.equal(new Set(all.map(tagOf)).size, 1);
      assert.ok(log.endsWith(channel) && entries.endsWith(channel) && topic.endsWith(channel));
    }),
  );
});

test('a pattern listens to the topic of its family, and to all when it names none', () => {
  const keys = new Keys('town');
  assert.deepEqual(keys.topicsOf('orders:*'), { topics: ['town:all:orders'], isGlob: false });
  assert.deepEqual(keys.topicsOf('orders:eu:*:x'), { topics: ['town:all:orders'], isGlob: false });
  assert.deepEqual(keys.topicsOf('ord*'), { topics: ['town:all:*'], isGlob: true });
  assert.equal(keys.of('orders:eu:7').familyTopic, 'town:all:orders');
  assert.equal(keys.of('lobby').familyTopic, 'town:all:');
  const sharded = new Keys('town', true);
  const { topics, isGlob } = sharded.topicsOf('orders:*');
  assert.ok(topics.includes(sharded.of('orders:7').familyTopic) && topics.length === 1_024 && !isGlob);
});

test('a prefix is a plain name', () => {
  for (const prefix of ['', 'a b', '{a}', 'a*', 'x'.repeat(65)])
    assert.throws(() => new Keys(prefix), { code: 'BAD_OPTION' });
});
