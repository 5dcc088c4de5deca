import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Watchers } from '../../src/broker/watchers.ts';

function setUp() {
  const errors: unknown[] = [];
  const heard: string[] = [];
  const watchers = new Watchers((error) => errors.push(error));
  const listen = (name: string) => (channel: string, epoch: string, entries: readonly unknown[]) =>
    void heard.push(`${name}: ${channel} ${epoch} ${entries.length}`);
  const tell = (channel: string) => {
    watchers.tell(channel, 'e', []);
    return heard.splice(0);
  };
  return { watchers, errors, listen, tell };
}

test('a publication reaches the listeners of its channel and of the patterns that match it', () => {
  const { watchers, listen, tell } = setUp();
  watchers.add('a:1', listen('one'));
  watchers.add('a:*', listen('all'));
  watchers.add('*:2', listen('two'));
  assert.deepEqual(tell('a:1'), ['one: a:1 e 0', 'all: a:1 e 0']);
  assert.deepEqual(tell('a:2'), ['all: a:2 e 0', 'two: a:2 e 0']);
  assert.deepEqual(tell('b'), []);
});

for (const name of ['a:1', 'a:*'])
  test(`a listener that is added twice to ${name} is called twice, and each is removed once`, () => {
    const { watchers, listen, tell } = setUp();
    const listener = listen('it');
    const [first, second] = [watchers.add(name, listener), watchers.add(name, listener)];
    assert.equal(tell('a:1').length, 2);
    first();
    first();
    assert.equal(tell('a:1').length, 1);
    second();
    assert.deepEqual(tell('a:1'), []);
    watchers.add(name, listener);
    // Of one that is gone.
    second();
    assert.equal(tell('a:1').length, 1);
  });

test('what a listener throws is passed on, and the others are called all the same', () => {
  const { watchers, errors, listen, tell } = setUp();
  const broken = (message: string) => () => {
    throw message;
  };
  watchers.add('a:1', broken('of the channel'));
  watchers.add('a:1', listen('one'));
  watchers.add('a:*', broken('of the pattern'));
  watchers.add('a:*', listen('all'));
  assert.deepEqual(tell('a:1'), ['one: a:1 e 0', 'all: a:1 e 0']);
  assert.deepEqual(errors, ['of the channel', 'of the pattern']);
});
