import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../../support/chromium.ts';
import { missing } from '../../support/need.ts';
import { PhpRoom } from './php-program.ts';

const example = (name: string) => new URL(`../../../examples/php/${name}`, import.meta.url);

async function openPage(browser: Browser, server: string) {
  const page = await browser.newPage();
  await page.goto(`${example('chat.html')}?server=${server}`);
  await page.getByText('Welcome, ').waitFor();
  return {
    say: async (text: string) => {
      await page.locator('#text').fill(text);
      await page.locator('#text').press('Enter');
    },
    sees: (text: string) => page.getByText(text, { exact: true }).waitFor(),
    lines: () => page.locator('li').allTextContents(),
  };
}

test('two windows of the chat talk, its PHP process is killed, and they talk on without a reconnect', {
  skip: missing('php', 'chromium'),
}, async (t) => {
  const file = fileURLToPath(example('SalaChatServer.php'));
  const room = await PhpRoom.open(t, file, { listen: 'ws://127.0.0.1:0', server: { origins: 'null' } });
  const browser = await launchChromium();
  t.after(() => browser.close());
  const ana = await openPage(browser, room.url);
  const bea = await openPage(browser, room.url);
  await ana.say('hello');
  await bea.sees('guest 1: hello');
  await bea.say('/name bea');
  await bea.sees('You are bea');
  await bea.say('good evening');
  await ana.sees('bea: good evening');
  await room.kill();
  await ana.say('still here?');
  await bea.sees('guest 1: still here?');
  await bea.say('here');
  await ana.sees('guest 2: here'); // names were in the memory of the process
  assert.deepEqual(await ana.lines(), [
    'connected',
    'Welcome, guest 1. 1 here.',
    'guest 1: hello',
    'bea: good evening',
    'guest 1: still here?',
    'guest 2: here',
  ]);
});
