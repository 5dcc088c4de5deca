import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { Program } from '../support/cli.ts';
import { missing } from '../support/need.ts';
import { until } from '../support/until.ts';

const SERVE = fileURLToPath(new URL('../../examples/ssr/serve.ts', import.meta.url));

/** Keeps each state of the list that a visitor may see, and its first row. */
const WATCH = `addEventListener('DOMContentLoaded', () => {
  globalThis.first = document.querySelector('li');
  globalThis.seen = [];
  const look = () => {
    const text = document.querySelector('#app').textContent;
    if (seen.at(-1) !== text) seen.push(text);
  };
  look();
  new MutationObserver(look).observe(document.querySelector('#app'), { childList: true, subtree: true, characterData: true });
});`;

describe('a room that a server renders', { skip: missing('chromium') }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  for (const framework of ['react', 'vue'])
    test(`in ${framework}, its messages are in the page at once, and stay while it becomes live`, {
      timeout: 60_000,
    }, async (t) => {
      const program = new Program('env', ['PORT=0', process.execPath, SERVE, framework]);
      t.after(() => program.stop());
      const [, port] = await program.says(/http:\S+:(\d+)/);
      const url = `http://localhost:${port}/`;
      const html = async () => (await (await fetch(url)).text()).replaceAll(/<!--.*?-->/g, '');
      for (let count = 1; count <= 2; count++) {
        program.child.stdin.write('\n');
        await until(
          async () => (await html()).includes(`<li>line ${count} &lt;b&gt;</li>`),
          `line ${count} is rendered`,
        );
      }

      const page = await browser.newPage();
      const troubles: string[] = [];
      page.on('pageerror', (error) => troubles.push(String(error)));
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
      });
      await page.addInitScript(WATCH);
      await page.goto(url);
      await until(async () => (await page.getAttribute('ol', 'title')) === 'live', 'the page is live', 20_000);
      program.child.stdin.write('\n');
      await until(async () => (await page.$$('li')).length === 3, 'the third line has come', 20_000);
      const two = 'line 1 <b>line 2 <b>';
      assert.deepEqual(await page.evaluate('seen'), [two, `${two}line 3 <b>`]);
      assert.equal(await page.evaluate("first === document.querySelector('li')"), true);
      assert.deepEqual(troubles, []);
    });
});
