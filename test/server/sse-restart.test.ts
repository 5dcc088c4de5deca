import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchChromium } from '../support/chromium.ts';
import { API_KEY } from '../support/config.ts';
import { missing } from '../support/need.ts';
import { serveIn } from '../support/serve-in.ts';

/** Publications before the daemon is killed, and after it is back. */
const BEFORE = 200;
const AFTER = 200;

test("a page's EventSource continues after kill -9 of the daemon: every publication arrives once, in order", {
  skip: missing('chromium'),
}, async (t) => {
  const { start, url } = await serveIn(t, { api: { keys: [{ name: 'test', key: API_KEY }] } });
  const first = await start();

  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`${url}/api/whoami`); // a page of the same origin, with nothing in it
  await page.evaluate(() => {
    const state = globalThis as unknown as { got: unknown[]; opened: number };
    Object.assign(state, { got: [], opened: 0 });
    const events = new EventSource('/sse?channel=news');
    events.onopen = () => state.opened++;
    events.onmessage = ({ data }) => state.got.push(JSON.parse(data));
    events.addEventListener('gap', () => state.got.push('gap'));
  });
  const until = (condition: string) => page.waitForFunction(condition);
  await until('opened === 1');

  /** False when no answer came: then nobody knows whether it is in the log, and it is safe to repeat. */
  const publish = async (n: number) => {
    const response = await fetch(`${url}/api/publish`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ channel: 'news', data: n, key: String(n) }),
    }).catch(() => undefined);
    return response?.status === 200;
  };
  let n = 1;
  for (; await publish(n); n++) if (n === BEFORE) first.child.kill('SIGKILL');
  assert.equal(await first.exited, 'SIGKILL');
  await start();
  const all = n + AFTER;
  for (; n <= all; n++) assert.ok(await publish(n));
  await until(`got.length >= ${all}`);
  assert.deepEqual(
    await page.evaluate('got'),
    Array.from({ length: all }, (_, index) => index + 1),
  );
  assert.equal(await page.evaluate('opened'), 2);
});
