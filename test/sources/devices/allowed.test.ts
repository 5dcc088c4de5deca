import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressList } from '../../../src/sources/devices/allowed.ts';

test('a list has addresses and networks of both families, however an address is written', () => {
  const isAllowed = addressList(['192.0.2.4', '10.0.0.0/8', '2001:db8::/32', 'fe80::1']);
  for (const host of [
    '192.0.2.4',
    '::ffff:192.0.2.4',
    '10.255.0.1',
    '2001:db8:1::1',
    '2001:DB8:0:0::1',
    'fe80::1%eth0',
  ])
    assert.equal(isAllowed(host), true, host);
  for (const host of ['192.0.2.5', '::ffff:192.0.2.5', '11.0.0.1', '2001:db9::1', 'fe80::2%eth0'])
    assert.equal(isAllowed(host), false, host);
  assert.equal(isAllowed('/run/device.sock'), true);
});

test('an empty list allows nobody, and no list allows all', () => {
  assert.equal(addressList([])('192.0.2.4'), false);
  assert.equal(addressList(undefined)('192.0.2.4'), true);
});
