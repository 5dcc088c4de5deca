import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, placeOf } from '../../../src/broker/redis/addresses.ts';

test('an address names a server, sentinels or a cluster, with what is needed to log in', () => {
  const cases: [string, object][] = [
    ['redis://localhost', { kind: 'single', hosts: [{ host: 'localhost', port: 6379 }], tls: false, database: 0 }],
    [
      'rediss://ana:p%40ss@[::1]:7000/3',
      {
        kind: 'single',
        hosts: [{ host: '::1', port: 7000 }],
        tls: true,
        username: 'ana',
        password: 'p@ss',
        database: 3,
      },
    ],
    [
      'redis://:secret@db:6380?prefix=shop&durability=replicas:2',
      {
        kind: 'single',
        hosts: [{ host: 'db', port: 6380 }],
        tls: false,
        password: 'secret',
        database: 0,
        prefix: 'shop',
        durability: 'replicas:2',
      },
    ],
    [
      'redis+sentinel://a,b:26380/main',
      {
        kind: 'sentinel',
        hosts: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 26_380 },
        ],
        name: 'main',
        tls: false,
        database: 0,
      },
    ],
    [
      'rediss+cluster://a:7000,b',
      {
        kind: 'cluster',
        hosts: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 6379 },
        ],
        tls: true,
        database: 0,
      },
    ],
  ];
  for (const [address, expected] of cases) assert.deepEqual(parseAddress(address), expected, address);
});

test('an address that is wrong is refused with the reason, and without its password', () => {
  const cases: [string, RegExp][] = [
    ['redis:localhost', /is not an address of Redis/],
    ['http://localhost', /is not an address of Redis/],
    ['redis://', /is not an address of Redis/],
    ['redis://a,b', /several hosts/],
    ['redis+sentinel://a,b', /lacks the name/],
    ['redis+cluster://a/1', /a cluster does not have/],
    ['redis://a/name', /database that is not a number/],
    ['redis://a:0', /has "a:0" as a host/],
    ['redis://a:65536', /as a host/],
    ['redis://x:%zz@a', /percent sign/],
    ['redis://a?prefx=b', /the parameter "prefx"/],
    ['redis://a?durability=replicas:0', /durability "replicas:0" is unknown/],
  ];
  for (const [address, message] of cases) assert.throws(() => parseAddress(address), { message }, address);
  assert.throws(
    () => parseAddress('redis://ana:secret@a,b'),
    (error: Error) => !error.message.includes('secret') && error.message.includes('write redis://host:port'),
  );
});

test('a place is an address without user and password', () => {
  for (const [address, place] of [
    ['redis://ana:secret@db', 'redis://db:6379'],
    ['rediss://:secret@[::1]/2', 'rediss://[::1]:6379/2'],
    ['redis+sentinel://:secret@a,b/main', 'redis+sentinel://a:26379,b:26379/main'],
    ['redis+cluster://a:7000', 'redis+cluster://a:7000'],
  ] as const)
    assert.equal(placeOf(parseAddress(address)), place);
});
