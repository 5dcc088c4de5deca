import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../../src/broker/index.ts';
import { Hub } from '../../src/hub/index.ts';
import { HubPeer, serveHub } from '../server/hub-peer.ts';

const MONTH = 30 * 86_400_000;

test('who is let in for thirty days is still there after the next lines', async (t) => {
  const { url } = await serveHub(t, { connect: () => ({ user: 'ana', expiresIn: MONTH }) });
  const ana = await HubPeer.join(t, url);
  // The timer of one millisecond, which it was, falls due while these are answered.
  for (let n = 0; n < 50; n++) assert.equal(typeof (await ana.ask('pub', 'news', n)), 'object');
});

test('a hub whose pings are thirty days apart sends none meanwhile', async (t) => {
  const { url } = await serveHub(t, { pingInterval: MONTH });
  const ana = await HubPeer.join(t, url);
  for (let n = 0; n < 50; n++) {
    ana.say('pub', 100 + n, 'news', n);
    // A ping is a line without a verb: it would stand between the answers.
    assert.deepEqual((await ana.next())?.slice(0, 2), ['ok', 100 + n]);
  }
});

test('a time that is none is refused when the hub is made', () => {
  for (const wrong of [{ pingInterval: 0 }, { pingInterval: Number.NaN }, { linger: -1 }, { hiTimeout: 0 }])
    assert.throws(() => new Hub({ broker: memory(), ...wrong }), {
      code: 'BAD_OPTION',
      message: /^the option \w+ cannot be/,
    });
  assert.throws(() => new Hub({ broker: memory(), linger: '5s' as unknown as number }), { code: 'BAD_OPTION' });
});

test('an expiresIn that is no time lets nobody in, and the log says why', async (t) => {
  const { url, errors } = await serveHub(t, { connect: () => ({ user: 'ana', expiresIn: Number.NaN }) });
  const ana = await HubPeer.connect(t, url);
  assert.equal(await ana.ask('hi', {}), 'INTERNAL');
  assert.match(errors[0]!.message, /expiresIn, which connect returned, cannot be/);
});
