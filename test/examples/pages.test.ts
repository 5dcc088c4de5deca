import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { Program } from '../support/cli.ts';
import { missing } from '../support/need.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const SERVE = fileURLToPath(new URL('../../examples/pages/serve.ts', import.meta.url));

describe('the same room in each framework, in Chromium', { skip: missing('chromium') }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  /** Visitors of their own: no storage shared. Everything that went wrong in a page is in `troubles`. */
  async function open(t: TestContext, framework: string) {
    const program = new Program('env', ['PORT=0', process.execPath, SERVE, framework]);
    t.after(() => program.stop());
    const [, port] = await program.says(/http:\S+:(\d+)/);
    const troubles: string[] = [];
    const visit = async (name: string, at = port) => {
      const context = await browser.newContext();
      t.after(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      page.on('pageerror', (error) => troubles.push(String(error)));
      page.on('console', (message) => {
        // The browser says that the connection was cut, which is not the page's fault.
        if (['error', 'warning'].includes(message.type()) && !/WebSocket/.test(message.text()))
          troubles.push(message.text());
      });
      await page.goto(`http://localhost:${at}/?name=${name}`);
      return page;
    };
    return { port: Number(port), troubles, visit };
  }

  const rows = (page: Page) =>
    page.$$eval('#messages li', (list) => list.map((row) => `${row.textContent?.trim()} ${row.className}`));
  const say = async (page: Page, text: string) => {
    await page.fill('input', text);
    await page.press('input', 'Enter');
  };
  const shows = (page: Page, expected: readonly string[]) =>
    until(async () => (await rows(page)).join() === expected.join(), `the page shows ${expected.join()}`, 20_000);
  const members = (page: Page, names: string) =>
    until(async () => (await page.textContent('#members')) === names, `${names} are there`, 20_000);

  for (const framework of ['react', 'vue', 'svelte'])
    test(`in ${framework}, two windows chat, one reloads, each sees who is there, and a row is shown before it is stored`, {
      timeout: 90_000,
    }, async (t) => {
      const { port, troubles, visit } = await open(t, framework);
      const proxy = await startProxy(t, port, 'localhost');
      const luis = await visit('Luis');
      await members(luis, 'Luis');
      const ana = await visit('Ana', String(proxy.port));
      for (const page of [ana, luis]) await members(page, 'Ana, Luis');
      await say(luis, 'hola');
      await say(ana, '¿ya comiste?');
      const both = ['hola stored', '¿ya comiste? stored'];
      for (const page of [ana, luis]) await until(async () => (await rows(page)).length === 2, 'both have arrived');
      const order = await rows(luis);
      assert.deepEqual(order.toSorted(), both.toSorted());
      assert.deepEqual(await rows(ana), order);

      // Offline, what is said is shown at once. It becomes real without Ana's doing.
      proxy.isClosed = true;
      proxy.cut();
      await until(async () => /waiting|connecting/.test((await ana.textContent('#state')) ?? ''), 'Ana is offline');
      await say(ana, 'still here');
      await shows(ana, [...order, 'still here sending']);
      await say(luis, 'and I');
      proxy.isClosed = false;
      const all = [...order, 'and I stored', 'still here stored'];
      for (const page of [ana, luis]) await shows(page, all);
      assert.match((await ana.textContent('#state')) ?? '', /^open\s*$/);

      await luis.reload();
      await members(luis, 'Ana, Luis');
      await shows(luis, all);
      await members(ana, 'Ana, Luis');
      assert.deepEqual(troubles, []);
    });

  for (const framework of ['react', 'vue', 'svelte'])
    test(`in ${framework}, a button loads older pages, until there are no more`, { timeout: 60_000 }, async (t) => {
      const { troubles, visit } = await open(t, framework);
      const ana = await visit('Ana');
      await members(ana, 'Ana');
      for (let count = 1; count <= 25; count++) await say(ana, `number ${count}`);
      await until(
        async () => (await rows(ana)).filter((row) => row.endsWith('stored')).length === 25,
        'all are stored',
      );
      await ana.reload();
      const expected = Array.from({ length: 25 }, (_, index) => `number ${index + 1} stored`);
      await shows(ana, expected.slice(5));
      await ana.click('#older');
      await shows(ana, expected);
      assert.equal(await ana.isVisible('#older'), false);
      assert.deepEqual(troubles, []);
    });
});
