import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { ADMIN_KEY, API_KEY, startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';

describe('the admin page in Chromium', { skip: missing('chromium') }, () => {
  let browser: Browser;
  /** Errors of the page's scripts, and what its policy had to stop. */
  const troubles: string[] = [];

  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  async function visit(url: string): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => troubles.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) troubles.push(message.text());
    });
    page.on('dialog', (dialog) => dialog.accept());
    await page.goto(`${url}/admin`);
    return page;
  }

  async function signIn(page: Page, key: string): Promise<void> {
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  test('nobody sees anything without a key that can admin', async (t) => {
    const { url } = await startDaemon(t);
    const page = await visit(url);
    await signIn(page, 'w'.repeat(40));
    await page.getByText('that is none of the API keys').waitFor();
    await signIn(page, API_KEY);
    await page.getByText('the key test cannot admin').waitFor();
    assert.equal(await page.locator('#board').isVisible(), false);
    await page.close();
    assert.deepEqual(troubles, []);
  });

  test('one sees who is here and what is said, publishes, watches a channel, and ends a user’s connections', async (t) => {
    const { url, client, daemon } = await startDaemon(t, { secret: 's'.repeat(40) });
    const token = await daemon.auth.mint({ user: 'natalia' });
    const natalia = client({ token: () => token });
    const news = natalia.subscribe('news');
    await new Promise((resolve) => news.on('live', resolve));

    const page = await visit(url);
    await signIn(page, ADMIN_KEY);
    await page.locator('#connections').getByText('natalia').waitFor();
    const row = page.locator('#channels tr', { hasText: 'news' });
    await row.getByRole('button', { name: 'Watch' }).click();
    await page.getByText('Watching the channel news').waitFor();
    await page.getByText('The log is empty; 0 were published.').waitFor();

    await page.locator('#publish-channel').fill('news');
    await page.getByLabel('Data, as JSON').fill('{"title":"<b>Hola</b>"}');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('It is in the log, at 1.').waitFor();
    const { value } = await news[Symbol.asyncIterator]().next();
    assert.deepEqual(value!.data, { title: '<b>Hola</b>' });
    await page.locator('#traffic').getByText('news 1 {"title":"<b>Hola</b>"}').waitFor();
    assert.ok((await page.locator('.charts canvas').count()) === 3);

    await page.getByLabel('Data, as JSON').fill('{title: 1}');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.locator('#publish-outcome', { hasText: 'JSON' }).waitFor();

    const ended = new Promise((resolve) => natalia.on('state', (state) => state === 'closed' && resolve(state)));
    const connection = page.locator('#connections tr', { hasText: 'natalia' });
    await connection.getByRole('button', { name: 'Disconnect' }).click();
    await ended;
    await connection.waitFor({ state: 'detached' });
    await page.reload();
    await page.locator('#state[data-status=open]').waitFor(); // the tab remembers the key
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.reload();
    await page.getByLabel('API key').waitFor();
    await page.close();
    assert.deepEqual(troubles, []);
  });

  test('users whose ids are markup, paths or stars are shown as what they are, watched, and ended', async (t) => {
    const { url, client, daemon } = await startDaemon(t, {
      secret: 's'.repeat(40),
      channels: { '*': { publish: 'everyone' } },
    });
    const page = await visit(url);
    await signIn(page, ADMIN_KEY);
    for (const user of [
      `<img src=x onerror="document.title='bad'">`,
      '../../a b/ñ?x=1&y#z%2F',
      '*',
      '\u{1f600}'.repeat(120),
    ]) {
      const token = await daemon.auth.mint({ user });
      const visitor = client({ token: () => token });
      await visitor.publish('news', '<script>document.title="bad"</script>');
      const row = page.locator('#connections tr').filter({ has: page.getByText(user, { exact: true }) });
      await row.getByRole('button', { name: 'Watch' }).click();
      while (!daemon.hub.channels.some((name) => name.startsWith('zocalo:watch:user:'))) await page.waitForTimeout(10);
      await visitor.publish('news', { text: '<b>again</b>' });
      await page.locator('#traffic li', { hasText: '{"text":"<b>again</b>"}' }).waitFor();
      const ended = new Promise((resolve) => visitor.on('state', (state) => state === 'closed' && resolve(state)));
      await row.getByRole('button', { name: 'Disconnect' }).click();
      await ended;
      await page.getByRole('button', { name: 'Stop' }).click();
      while (daemon.hub.channels.some((name) => name.startsWith('zocalo:watch:user:'))) await page.waitForTimeout(10);
    }
    assert.notEqual(await page.title(), 'bad');
    await page.close();
    assert.deepEqual(troubles, []);
  });
});
