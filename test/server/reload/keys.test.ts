import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allKeys, configSchema } from '../../../src/server/config/index.ts';
import { Daemon } from '../../../src/server/daemon.ts';
import { MemoryLog } from '../../support/daemon.ts';
import { missing } from '../../support/need.ts';
import { fileOf } from '../auth/doors.ts';
import { AUTH_CASES } from './auth-cases.ts';
import { CHANNEL_CASES } from './channel-cases.ts';
import { OTHER_CASES } from './other-cases.ts';
import { type Cases, Place } from './place.ts';

/** One for each key that a reload may change: a key without one fails the first test. */
const CASES: Cases = { ...CHANNEL_CASES, ...AUTH_CASES, ...OTHER_CASES };

/** The configuration with a value at a path, as `allKeys` writes it; undefined leaves it out. */
function withValue(input: unknown, [part, ...rest]: readonly string[], value: unknown): unknown {
  if (part === undefined) return value;
  if (part === '[]') {
    const [first, ...others] = (input ?? []) as unknown[];
    return [withValue(first, rest, value), ...others];
  }
  const name = part === '*' ? 'c:*' : part;
  const known = (input ?? {}) as Record<string, unknown>;
  return { ...known, [name]: withValue(known[name], rest, value) };
}

/** As the parts of a daemon say. */
const RELOADED = new Daemon(configSchema.parse({ store: 'memory:' }), { log: new MemoryLog(), version: '0' }).reloads;

const keys = allKeys().filter(({ path, isGroup }) => RELOADED.has(path[0]!) && !isGroup);
/** Of these two, and of the names, one alone cannot change. */
const WHOLE = new Set(['tls.[].cert', 'tls.[].key', 'tls.[].names']);

test('every key that a reload may change is tried below, and no other', () => {
  assert.deepEqual(Object.keys(CASES).toSorted(), keys.map(({ path }) => path.join('.')).toSorted());
});

for (const { path } of keys) {
  const name = path.join('.');
  test(`a reload of ${name} has its effect`, { skip: name.startsWith('tls') && missing('openssl') }, async (t) => {
    const given = CASES[name]!;
    const { base = {}, values, sees, look, isLast } = typeof given === 'function' ? await given(t) : given;
    const common = { listen: 'http://127.0.0.1:0', store: 'memory:', chat: false, channels: { 'c:*': {}, other: {} } };
    const where = WHOLE.has(name) ? path.slice(0, -1) : path;
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

test('a key that a reload cannot change is refused by its name, and nothing is changed', async (t) => {
  const others = {
    listen: 'http://127.0.0.1:1',
    socket: fileOf(t, 'api.sock'),
    lines: { listen: 'tcp://127.0.0.1:0', channel: 'news' },
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
