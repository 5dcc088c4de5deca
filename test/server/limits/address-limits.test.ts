import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressLimits } from '../../../src/server/limits/index.ts';
import { connectWebSocket } from '../../../src/websocket/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { HubPeer, serveHub } from '../hub-peer.ts';

const GENEROUS = { connectionsPerAddress: 1_000, connectsPerSecond: 1_000 };

test('an address has so many connections, and one more when one ends', () => {
  const limits = new AddressLimits({ ...GENEROUS, connectionsPerAddress: 2 });
  for (let i = 0; i < 2; i++) {
    assert.equal(limits.check('203.0.113.7'), undefined);
    limits.enter('203.0.113.7');
  }
  assert.deepEqual(limits.check('203.0.113.7'), { reason: 'address_connections', retryAfter: 30 });
  assert.equal(limits.check('203.0.113.8'), undefined);
  limits.leave('203.0.113.7');
  assert.equal(limits.check('203.0.113.7'), undefined);
});

test('an address connects so often a second, four times that at once, and hears when it may again', () => {
  const clock = new FakeClock();
  const limits = new AddressLimits({ ...GENEROUS, connectsPerSecond: 0.5, clock });
  for (let i = 0; i < 2; i++) assert.equal(limits.check('203.0.113.7'), undefined);
  assert.deepEqual(limits.check('203.0.113.7'), { reason: 'address_rate', retryAfter: 2 });
  assert.equal(limits.check('203.0.113.8'), undefined);
  clock.advance(2_000);
  assert.equal(limits.check('203.0.113.7'), undefined);
});

test('an IPv6 network of /64 counts as one address', () => {
  const limits = new AddressLimits({ ...GENEROUS, connectionsPerAddress: 1 });
  limits.enter('2001:db8:1:2:3::4');
  assert.equal(limits.check('2001:db8:1:2::')?.reason, 'address_connections');
  assert.equal(limits.check('2001:db8:1:2:ffff:ffff:ffff:ffff')?.reason, 'address_connections');
  assert.equal(limits.check('2001:db8:1:3::4'), undefined);
  limits.enter('::1');
  assert.equal(limits.check('::2')?.reason, 'address_connections');
  limits.enter('2001:db8::1');
  assert.equal(limits.check('2001:db8:0:0:9:9:9:9')?.reason, 'address_connections');
});

test('what comes from a Unix socket has no address and no limits', () => {
  const limits = new AddressLimits({ connectionsPerAddress: 1, connectsPerSecond: 1 });
  for (let i = 0; i < 100; i++) {
    assert.equal(limits.check(''), undefined);
    limits.enter('');
  }
});

test('a server refuses the connection over the limit with 429 and when to come back, and takes it when one has gone', async (t) => {
  const refused: string[] = [];
  const { url, server } = await serveHub(
    t,
    {},
    {
      addressLimits: new AddressLimits({ ...GENEROUS, connectionsPerAddress: 1 }),
      onRefused: (reason, address) => refused.push(`${reason} ${address}`),
    },
  );
  const first = await HubPeer.join(t, url);
  await assert.rejects(connectWebSocket(url), /429/);
  assert.deepEqual(refused, ['address_connections 127.0.0.1']);
  first.client.close();
  await first.client.closed;
  while (server.users.size > 0) await new Promise((done) => setImmediate(done));
  await HubPeer.join(t, url);
});

test('other refusals are told with their reason too', async (t) => {
  const refused: string[] = [];
  const { url } = await serveHub(t, {}, { onRefused: (reason) => refused.push(reason), hosts: ['127.0.0.1'] });
  await assert.rejects(connectWebSocket(url, { headers: { Origin: 'https://example.org' } }), /403/);
  await assert.rejects(connectWebSocket(url, { headers: { Host: 'example.org' } }), /421/);
  assert.deepEqual(refused, ['origin', 'host']);
});
