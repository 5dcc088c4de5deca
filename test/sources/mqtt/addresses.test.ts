import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBroker, TopicPattern } from '../../../src/sources/mqtt/index.ts';

test('an address of a broker has its topic as it stands, and says neither user nor password', () => {
  assert.deepEqual(parseBroker('mqtts://home:p%40ss@[::1]:1884//sensors/{device}/#'), {
    url: 'tls://[::1]:1884',
    place: 'mqtts://[::1]:1884',
    host: '[::1]',
    user: 'home',
    password: 'p@ss',
    topic: '/sensors/{device}/#',
  });
  assert.equal(parseBroker('mqtt://broker/a').url, 'tcp://broker:1883');
  assert.equal(parseBroker('MQTTS://broker/a').url, 'tls://broker:8883');
  assert.equal(parseBroker('mqtt://token@broker/a').password, undefined);
  for (const bad of [
    'mqtt://broker',
    'mqtt://broker/',
    'tcp://broker/a',
    'mqtt:///a',
    'mqtt://a:secret%@b/c',
    'mqtt://b:99999/a',
  ])
    assert.throws(
      () => parseBroker(bad),
      (error: Error & { code: string }) => error.code === 'BAD_ADDRESS' && !error.message.includes('secret'),
      bad,
    );
});

test('levels of a topic may have names', () => {
  const pattern = new TopicPattern('sensors/{device}/+/{what}/#');
  assert.equal(pattern.filter, 'sensors/+/+/+/#');
  assert.deepEqual(pattern.names, ['device', 'what']);
  assert.deepEqual(pattern.fieldsOf('sensors/a/b/c/d/e'), { device: 'a', what: 'c' });
  for (const bad of ['', 'a/#/b', 'a+', 'a/{b', '{a}{b}', 'a/b#', 'a\0'])
    assert.throws(() => new TopicPattern(bad), { code: 'BAD_OPTION' }, bad);
});
