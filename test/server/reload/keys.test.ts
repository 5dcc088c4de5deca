import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allKeys, configSchema } from '../../../src/server/config/index.ts';
import { Daemon } from '../../../src/server/daemon.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { missing } from '../../support/need.ts';
import { fileOf } from '../auth/auth-fixture.ts';
import { AUTH_CASES } from './auth-cases.ts';
import { CHANNEL_CASES } from './channel-cases.ts';
import { DEVICE_CASES } from './device-cases.ts';
import { HANDLER_CASES } from './handler-cases.ts';
import { KIND_CASES } from './kind-cases.ts';
import { OTHER_CASES } from './other-cases.ts';
import { type Cases, Place } from './place.ts';
import { PROGRAM_CASES } from './program-cases.ts';
import { SINK_CASES } from './sink-cases.ts';
import { SOURCE_CASES } from './source-cases.ts';

/** One for each key that a reload may change: a key without one fails the first test. */
const CASES: Cases = {
  ...CHANNEL_CASES,
  ...AUTH_CASES,
  ...HANDLER_CASES,
  ...OTHER_CASES,
  ...PROGRAM_CASES,
  ...SOURCE_CASES,
  ...DEVICE_CASES,
  ...SINK_CASES,
  ...KIND_CASES,
};

/** The configuration with a value at a path, as `allKeys` writes it; undefined leaves it out. */
function withValue(input: unknown, [part, ...rest]: readonly string[], value: unknown): unknown {
  if (part === undefined) return value;
  if (part === '[]') {
    const [first, ...others] = (input ?? []) as unknown[];
    return [withValue(first, rest, value), ...others];
  }
  const known = (input ?? {}) as Record<string, unknown>;
  return { ...known, [part]: withValue(known[part], rest, value) };
}

/** As the parts of a daemon say. */
const RELOADED = new Daemon(configSchema.parse({ store: 'memory:' }), { log: new MemoryLog(), version: '0' }).reloads;

/** Once each: a source of devices and one of lines have some of the same names. */
const keys = allKeys().filter(
  ({ path, isGroup }, index, all) =>
    RELOADED.has(path[0]!) && !isGroup && all.findIndex((key) => key.path.join('.') === path.join('.')) === index,
);
/** What stands for a name in a map, in most of them and in others. */
const NAME = 'c:*';
const NAMES: Readonly<Record<string, string>> = {
  handlers: 'login',
  programs: 'c:program',
  sinks: 'doors',
  sources: 'shop',
};

/** Of these two, and of the names, one alone cannot change. */
const WHOLE = new Set([
  ...['tls.[].cert', 'tls.[].key', 'tls.[].names'],
  'sources.*.push',
  ...['sources.*.tls.cert', 'sources.*.tls.key', 'sources.*.tls.ca'],
]);

test('every key that a reload may change is tested below, and no other', () => {
  assert.deepEqual(Object.keys(CASES).toSorted(), keys.map(({ path }) => path.join('.')).toSorted());
});

for (const { path } of keys) {
  const name = path.join('.');
  test(`a reload of ${name} has its effect`, { skip: path.includes('tls') && missing('openssl') }, async (t) => {
    const given = CASES[name]!;
    const { base = {}, values, sees, look, isLast } = typeof given === 'function' ? await given(t) : given;
    const common = { listen: 'http://127.0.0.1:0', store: 'memory:', chat: false, channels: { 'c:*': {}, other: {} } };
    const named = path.map((part) => (part === '*' ? (NAMES[path[0]!] ?? NAME) : part));
    const where = WHOLE.has(name) ? named.slice(0, -1) : named;
    const [before, after] = values.map((value) => configSchema.parse(withValue({ ...common, ...base }, where, value)));
    const place = await new Place(t, before!).start();
    const first = isLast ? await new Place(t, before!).start() : place;
    assert.deepEqual(await look(first), sees[0], 'before');
    await place.daemon.reload(after!);
    assert.deepEqual(await look(place), sees[1], 'after');
    if (isLast) return;
    await place.daemon.reload(before!);
    assert.deepEqual(await look(place), sees[0], 'and back');
  });
}

test('a key that a reload cannot change is refused by name, and nothing changes', async (t) => {
  const others = {
    listen: 'http://127.0.0.1:1',
    socket: fileOf(t, 'api.sock'),
    store: 'sqlite:other.db',
    proxies: ['127.0.0.1'],
    origins: '*',
    hosts: ['example.org'],
    limits: { connections: 5 },
    ping: '26s',
    keepAlive: '76s',
    linger: '6s',
    chat: true,
    admin: false,
  };
  const fixed = Object.keys(configSchema.shape).filter((key) => !RELOADED.has(key));
  assert.deepEqual(Object.keys(others).toSorted(), fixed.toSorted());
  const input = { listen: 'http://127.0.0.1:0', store: 'memory:', chat: false };
  const { daemon } = await new Place(t, configSchema.parse(input)).start();
  for (const [name, value] of Object.entries(others)) {
    const next = configSchema.parse({ ...input, log: { level: 'error' }, [name]: value });
    await assert.rejects(daemon.reload(next), { code: 'BAD_OPTION', message: new RegExp(`^${name} cannot change`) });
    assert.equal(daemon.config.log.level, 'info');
  }
});
