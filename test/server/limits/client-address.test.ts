import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClientAddress } from '../../../src/server/http/index.ts';

/** The client's address as a server behind `proxies` sees it, of a request that came from `peer` with these headers. */
function seen(peer: string | undefined, headers: Record<string, string>, proxies = ['10.0.0.0/8', 'fd00::/8']): string {
  return new ClientAddress(proxies).of({ headers, socket: { remoteAddress: peer } });
}

const of = (list: string, peer = '10.0.0.1') => seen(peer, { 'x-forwarded-for': list });
const standard = (header: string, peer = '10.0.0.1') => seen(peer, { forwarded: header });

test('without trusted proxies the client is the peer of the socket, whatever its headers claim', () => {
  assert.equal(seen('10.0.0.1', { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7' }, []), '10.0.0.1');
  assert.equal(of('203.0.113.7', '198.51.100.1'), '198.51.100.1');
  assert.equal(standard('for=203.0.113.7', '198.51.100.1'), '198.51.100.1');
});

test('a trusted proxy names the client, and entries that the client itself sent are ignored', () => {
  assert.equal(of('203.0.113.7'), '203.0.113.7');
  assert.equal(of('1.1.1.1, 203.0.113.7'), '203.0.113.7');
  assert.equal(standard('for=1.1.1.1, for=203.0.113.7;proto=https;by=10.0.0.1'), '203.0.113.7');
});

test('a chain of trusted proxies is followed to the first address that is not trusted, or to its start', () => {
  assert.equal(of('1.1.1.1, 203.0.113.7, 10.9.9.9, fd00::2'), '203.0.113.7');
  assert.equal(of('10.3.3.3,10.2.2.2'), '10.3.3.3');
  assert.equal(of(''), '10.0.0.1');
});

test('addresses are recognised in every notation', () => {
  for (const node of ['203.0.113.7:4711', '::ffff:203.0.113.7', '[::ffff:203.0.113.7]:80', '::FFFF:cb00:7107'])
    assert.equal(of(node), '203.0.113.7', node);
  for (const node of ['2001:DB8:0:0::17', '[2001:db8::17]', '[2001:db8::17]:4711', '2001:db8::17%eth0'])
    assert.equal(of(node), '2001:db8::17', node);
  assert.equal(of('203.0.113.7', '::ffff:10.0.0.1'), '203.0.113.7');
  assert.equal(standard('For="[2001:db8::17]:4711"'), '2001:db8::17');
  assert.equal(standard('proto=http; FOR = 1.1.1.1'), '10.0.0.1');
  assert.equal(standard('by=_x;for="203.0.113.\\7"'), '203.0.113.7');
});

test('at an entry that is not an address, the last trusted proxy counts as the client', () => {
  for (const word of ['unknown', '_hidden', 'example.org', '999.1.1.1', '', '[2001:db8::17', '<script>'])
    assert.equal(of(`203.0.113.7, ${word}, 10.2.2.2`), '10.2.2.2', word);
  assert.equal(standard('for=203.0.113.7, proto=http, for=10.2.2.2'), '10.2.2.2');
  assert.equal(standard('for=203.0.113.7, for=unknown'), '10.0.0.1');
});

test('a header that breaks the grammar is ignored, so that an open quote cannot hide what the proxy adds', () => {
  for (const header of [
    'for="1.1.1.1, for=203.0.113.7',
    'for=1.1.1.1 for=2.2.2.2',
    'for=1.1.1.1,',
    ';',
    'for',
    '"',
    'for=]',
  ])
    assert.equal(standard(header), '10.0.0.1', header);
});

test('when the two headers name different clients, both are ignored, since a proxy sets only one of them', () => {
  const both = (list: string, header: string) => seen('10.0.0.1', { 'x-forwarded-for': list, forwarded: header });
  assert.equal(both('203.0.113.7', 'for=1.1.1.1'), '10.0.0.1');
  assert.equal(both('1.1.1.1', 'for=203.0.113.7'), '10.0.0.1');
  assert.equal(both('203.0.113.7', 'for="203.0.113.7:80"'), '203.0.113.7');
});

test('a Unix socket has no address', () => {
  assert.equal(seen(undefined, { 'x-forwarded-for': '203.0.113.7' }), '');
});

test('an invalid proxy address is refused at once', () => {
  for (const proxy of ['nginx', '10.0.0.0/33', '10.0.0.0/8/8', 'fd00::/129', '10.0.0.0/', '', '10.0.0.0/-1'])
    assert.throws(() => new ClientAddress([proxy]), { code: 'BAD_OPTION' }, proxy);
});

test('no header makes it throw, or return something that is not an address', () => {
  const bits = fc.constantFrom(
    'for=',
    '"',
    '\\',
    ',',
    ';',
    ' ',
    '[',
    ']',
    ':',
    '10.0.0.2',
    '203.0.113.7',
    '::1',
    '%',
    '=',
    'x',
  );
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      for (const client of [of(text), standard(text)]) assert.match(client, /^[\da-f.:]+$/);
    }),
  );
});

test('a proxy or network whose IPv4 address is written in IPv6 is trusted', () => {
  const socket = { remoteAddress: '::ffff:10.0.0.9' };
  const headers = { 'x-forwarded-for': '203.0.113.7' };
  for (const proxy of ['::ffff:10.0.0.9', '::ffff:10.0.0.0/104', '::ffff:a00:9', '10.0.0.0/8'])
    assert.equal(new ClientAddress([proxy]).of({ headers, socket }), '203.0.113.7', proxy);
  assert.equal(new ClientAddress(['::ffff:10.0.0.8']).of({ headers, socket }), '10.0.0.9');
});
