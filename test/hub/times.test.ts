import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub, milliseconds } from '../../src/hub/index.ts';
import { HubPeer, serveHub } from '../server/hub-peer.ts';

const MONTH = 30 * 86_400_000;

test('a user accepted for thirty days is still connected after the next lines', async (t) => {
  const { url } = await serveHub(t, { connect: () => ({ user: 'ana', expiresIn: MONTH }) });
  const ana = await HubPeer.join(t, url);
  // The timer of one millisecond, which it was, falls due while these are answered.
  for (let n = 0; n < 50; n++) assert.equal(typeof (await ana.ask('pub', 'news', n)), 'object');
});

test('a hub with a ping interval of thirty days sends none in between', async (t) => {
  const { url } = await serveHub(t, { pingInterval: MONTH });
  const ana = await HubPeer.join(t, url);
  for (let n = 0; n < 50; n++) {
    ana.say('pub', 100 + n, 'news', n);
    // A ping is a line without a verb: it would stand between the answers.
    assert.deepEqual((await ana.next())?.slice(0, 2), ['ok', 100 + n]);
  }
});

test('a duration is milliseconds, or a text with its unit, in whole milliseconds', () => {
  for (const [duration, expected] of [
    [0, 0],
    [1.5, 2],
    ['0s', 0],
    ['250ms', 250],
    ['1.4ms', 1],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
  ] as const)
    assert.equal(milliseconds(duration), expected, String(duration));
  for (const wrong of [-1, Number.NaN, '', '5', 's', '-5s', '5 s', '5w', '1e3s', '.5s', '5s6s'])
    assert.throws(() => milliseconds(wrong), { code: 'BAD_OPTION', message: /is not a duration/ }, String(wrong));
});

test('the smallest times that an option may have are accepted', () => {
  for (const least of [{ pingInterval: 1 }, { linger: 0 }, { hiTimeout: 1 }, { linger: undefined }])
    new Hub({ broker: memory(), ...(least as object) });
});

test('an invalid duration is refused when the hub is made', () => {
  for (const wrong of [{ pingInterval: 0 }, { pingInterval: Number.NaN }, { linger: -1 }, { hiTimeout: 0 }])
    assert.throws(() => new Hub({ broker: memory(), ...wrong }), {
      code: 'BAD_OPTION',
      message: /^the option \w+ cannot be/,
    });
  assert.throws(() => new Hub({ broker: memory(), linger: '5s' as unknown as number }), { code: 'BAD_OPTION' });
});

test('an invalid expiresIn refuses the user, and the log says why', async (t) => {
  const { url, errors } = await serveHub(t, { connect: () => ({ user: 'ana', expiresIn: Number.NaN }) });
  const ana = await HubPeer.connect(t, url);
  assert.equal(await ana.ask('hi', {}), 'INTERNAL');
  assert.match(errors[0]!.message, /expiresIn, which connect returned, cannot be/);
});
