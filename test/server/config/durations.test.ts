import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../../src/clock.ts';
import { milliseconds } from '../../../src/hub/index.ts';
import { allKeys } from '../../../src/server/config/keys.ts';
import { configSchema } from '../../../src/server/config/schema.ts';
import { fakeHostTimers } from '../../support/host-timers.ts';
import { mistakes, SECRET } from './support.ts';

const CENTURY = 36_500 * 86_400_000;
/** Every key that is a duration, as a path in which `*` and `[]` are one name and one place. */
const DURATIONS = allKeys()
  .filter(({ allowed }) => allowed.startsWith('milliseconds'))
  .map(({ path }) => path);

/** What must stand beside a duration, so that only the duration can be wrong. */
const BESIDE: Readonly<Record<string, object>> = {
  '[]': { url: 'https://example.org/', secret: SECRET },
  'handlers.*': { events: ['connect'], url: 'https://example.org/' },
  'programs.*': { run: 'tail -F access.log' },
  poll: { every: '1s', send: 'S' },
  'sources.*': { listen: 'tcp://127.0.0.1:5010', frame: 'lines', channel: 'readings' },
};

function configWith(path: readonly string[], value: unknown, above = ''): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  const below = configWith(rest, value, part);
  const whole =
    rest.length > 0 && rest[0] !== '[]'
      ? { ...BESIDE[part === '*' ? `${above}.*` : part], ...(below as object) }
      : below;
  return part === '[]' ? [whole] : { [part === '*' ? 'news' : part]: whole };
}

const written = fc.oneof(
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: 0, max: 3 * CENTURY }),
  fc
    .tuple(
      fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.bigInt({ min: 0n, max: 10n ** 400n })),
      fc.constantFrom('', '.5', '.0001'),
      fc.constantFrom('ms', 's', 'm', 'h', 'd'),
    )
    .map((parts) => parts.join('')),
);

test('each duration in the configuration either works with the clock or is refused with the name of its key', (t) => {
  const seed = Date.now() | 0;
  t.diagnostic(`${DURATIONS.length} keys, seed ${seed}`);
  assert.ok(DURATIONS.length >= 10);
  const host = fakeHostTimers(t);
  const property = fc.property(fc.constantFrom(...DURATIONS), written, (path, value) => {
    const { success, data, error } = configSchema.safeParse(configWith(path, value));
    if (!success) {
      // What may be one of several kinds has its issues within an issue.
      const said = JSON.stringify(error.issues);
      assert.ok(said.includes(`"${path.at(-1)}"`) && /"must be from \S+ to \S+"/.test(said), said);
      return;
    }
    let at: unknown = data;
    for (const part of path) at = (at as Record<string, unknown>)[part === '[]' ? '0' : part === '*' ? 'news' : part];
    const duration = at as number;
    assert.equal(duration, milliseconds(value));
    assert.ok(Number.isSafeInteger(duration) && duration <= CENTURY);
    if (duration === 0) return;
    let came = false;
    systemClock.after(duration, () => {
      came = true;
    });
    host.advance(duration - 1);
    assert.equal(came, false);
    host.advance(1);
    assert.equal(came, true);
  });
  fc.assert(property, { seed, numRuns: 1_000 });
});

test('a duration that is too short or too long to work is refused, and the bounds are named', async (t) => {
  const file = 'zocalo.config.yaml:1:';
  assert.deepEqual(await mistakes(t, 'ping: 0'), [`${file} ping must be from 1s to 36500d`]);
  assert.deepEqual(await mistakes(t, 'channels: {news: {history: {ttl: 36501d}}}'), [
    `${file} channels.news.history.ttl must be from 0 to 36500d`,
  ]);
  assert.deepEqual(await mistakes(t, 'linger: 36501d'), [`${file} linger must be from 0 to 36500d`]);
  assert.deepEqual(await mistakes(t, `{secret: ${SECRET}, auth: {login: {session: 0}}}`), [
    `${file} auth.login.session must be from 1s to 36500d`,
  ]);
  assert.deepEqual(
    await mistakes(t, 'handlers: {shop: {events: [connect], url: "https://example.org", timeout: 6m}}'),
    [`${file} handlers.shop.timeout must be from 10ms to 5m`],
  );
});
