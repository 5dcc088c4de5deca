import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, formatAddress, parseAddress } from '../../src/stream/index.ts';

const GOOD: [string, Address][] = [
  ['tcp://127.0.0.1:1337', { scheme: 'tcp', host: '127.0.0.1', port: 1337 }],
  ['TCP://LocalHost:0', { scheme: 'tcp', host: 'localhost', port: 0 }],
  ['tcp://host:80/', { scheme: 'tcp', host: 'host', port: 80 }],
  ['tls://[::1]:443', { scheme: 'tls', host: '::1', port: 443 }],
  ['udp://[fe80::1%eth0]:53', { scheme: 'udp', host: 'fe80::1%eth0', port: 53 }],
  ['udp://[fe80::1%25eth0]:53', { scheme: 'udp', host: 'fe80::1%eth0', port: 53 }],
  ['tcp://zócalo.example:80', { scheme: 'tcp', host: 'xn--zcalo-0ta.example', port: 80 }],
  ['unix:///tmp/a%20b.sock', { scheme: 'unix', path: '/tmp/a b.sock' }],
  ['unix:run/a.sock', { scheme: 'unix', path: 'run/a.sock' }],
  ['ws://localhost', { scheme: 'ws', host: 'localhost', port: 80, path: '/' }],
  [
    'wss://example.org/a:b/ñ?x=1&y=%20',
    { scheme: 'wss', host: 'example.org', port: 443, path: '/a:b/%C3%B1?x=1&y=%20' },
  ],
  ['ws://[::1]:9000?room=1', { scheme: 'ws', host: '::1', port: 9000, path: '/?room=1' }],
  ['ws://host//double', { scheme: 'ws', host: 'host', port: 80, path: '//double' }],
];

for (const [text, address] of GOOD) {
  test(`${text} is parsed, and parsed again from its formatted form`, () => {
    assert.deepEqual(parseAddress(text), address);
    assert.deepEqual(parseAddress(formatAddress(address)), address);
  });
}

test('a URL object works like its text', () => {
  assert.deepEqual(parseAddress(new URL('ws://localhost:80/chat')), parseAddress('ws://localhost/chat'));
  assert.deepEqual(parseAddress(new URL('unix:///tmp/a b')), { scheme: 'unix', path: '/tmp/a b' });
});

const BAD: [string, RegExp][] = [
  ['', /has no scheme; write it as tcp:\/\/host:port/],
  ['127.0.0.1:1337', /has no scheme; write it as tcp:\/\/127\.0\.0\.1:1337/],
  ['localhost:1337', /write it as tcp:\/\/localhost:1337/],
  ['tcp://127.0.0.1', /has no port; write it as tcp:/],
  ['tcp://127.0.0.1:', /has no port/],
  ['tcp://:1337', /has no host/],
  ['tcp://host:65536', /ports go from 0 to 65535/],
  ['tcp://host:-1', /ports go from 0 to 65535/],
  ['tcp://host:http', /has the port "http"/],
  ['tcp://host:80/path', /has a path/],
  ['tcp://host:80?query', /has a path/],
  ['tcp://me:secret@host:80', /has a user name/],
  ['tcp://::1:80', /cannot|separated|port/],
  ['tcp://[::1]80', /separated/],
  ['tcp://[::1:80', /has no host|separated/],
  ['tcp://[example]:80', /has an invalid host/],
  ['tcp://256.1.1.1:80', /has an invalid host/],
  ['tcp://127.1:80', /has an invalid host/],
  ['tcp://a b:80', /has an invalid host/],
  ['tcp://a\nb:80', /has an invalid host/],
  ['ws://host/#fragment', /RFC 6455 §3/],
  ['unix://tmp/a.sock', /has a host.*unix:\/\/\/absolute/],
  ['unix:///', /has no file name/],
  ['unix:', /has no file name/],
  ['unix:///tmp/%', /starts no escape/],
  ['unix:///tmp/%00', /zero byte/],
  [`unix:///${'a'.repeat(200)}`, /longer than/],
];

for (const [text, message] of BAD) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused with the address and the right form`, () => {
    assert.throws(() => parseAddress(text), { name: 'ZocaloError', code: 'BAD_ADDRESS', message });
    assert.throws(
      () => parseAddress(text),
      (error: Error) => error.message.startsWith(JSON.stringify(text)) && !error.message.includes('\n'),
    );
  });
}

test('an unknown scheme is named, with the known ones', () => {
  assert.throws(() => parseAddress('http://localhost:80'), {
    code: 'UNKNOWN_SCHEME',
    message: '"http://localhost:80" has the scheme "http"; use one of tcp, tls, udp, unix, ws, wss',
  });
});

test('any text is either parsed or refused, and a parsed one is formatted and parsed back to the same', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(':', '/', '[', ']', '::1', '80', '?', '%'),
  );
  const scheme = fc.constantFrom('tcp://', 'tls://', 'udp://', 'unix://', 'unix:', 'ws://', 'wss://', '');
  const text = fc.tuple(scheme, fc.array(part, { maxLength: 6 })).map(([head, parts]) => head + parts.join(''));
  fc.assert(
    fc.property(text, (given) => {
      let address: Address;
      try {
        address = parseAddress(given);
      } catch (error) {
        assert.match(String((error as { code?: unknown }).code), /^(BAD_ADDRESS|UNKNOWN_SCHEME)$/);
        return;
      }
      assert.deepEqual(parseAddress(formatAddress(address)), address);
    }),
    { numRuns: 2000 },
  );
});
