import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import type { Hub } from '../../src/hub/index.ts';
import { labels } from '../../web/admin/numbers.ts';
import { adminWordsFor } from '../../web/admin/words.ts';
import { launchChromium } from '../support/chromium.ts';
import { ADMIN_KEY, API_KEY } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';
import { noRedis, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

describe('the admin page in Chromium', { skip: missing('chromium') }, () => {
  let browser: Browser;
  /** Errors of the page's scripts, and what its policy had to stop. */
  const troubles: string[] = [];

  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  async function visit(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.newPage(options);
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

  test('nothing is shown without a key that can admin', async (t) => {
    const { url } = await startDaemon(t);
    const page = await visit(url);
    await signIn(page, 'w'.repeat(40));
    await page.getByText('that is not one of the API keys').waitFor();
    await signIn(page, API_KEY);
    await page.getByText('the key test cannot admin').waitFor();
    for (const hidden of ['#board', '#leave']) assert.equal(await page.locator(hidden).isVisible(), false, hidden);
    await page.close();
    assert.deepEqual(troubles, []);
  });

  test('of several nodes, each is shown with what it has, and the one that serves the page is marked', {
    skip: noRedis,
  }, async (t) => {
    const redis = await startRedis(t);
    const input = { store: redis.address, secret: 's'.repeat(40) };
    const nodes = [await startDaemon(t, input), await startDaemon(t, input)];
    const token = await nodes[1]!.daemon.auth.mint({ user: 'natalia' });
    const news = nodes[1]!.client({ token }).subscribe('news');
    await until(() => news.state === 'live', 'natalia is subscribed', 10_000);
    const page = await visit(nodes[0]!.url);
    await signIn(page, ADMIN_KEY);
    const rows = page.locator('#nodes tbody tr');
    const other = rows.filter({ hasText: 'works' });
    await other.waitFor();
    assert.deepEqual(await rows.locator('td:nth-child(3)').allTextContents(), ['this one', 'works']);
    const cells = await other.locator('td').allTextContents();
    assert.deepEqual(cells.slice(1, 6), [String(process.pid), 'works', '1', '1', '1']);
    // Its figures are of this node: the page is connected to it, and natalia is not.
    assert.equal(await page.locator('#connections').getByText('natalia').count(), 0);
    await nodes[1]!.daemon.stop();
    await other.waitFor({ state: 'detached' });
    assert.equal(await rows.count(), 1);
    await page.close();
    assert.deepEqual(troubles, []);
  });

  test('an administrator sees users and traffic, publishes, watches a channel, and ends a user’s connections', async (t) => {
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
    assert.equal(await page.locator('#history-view').isVisible(), false); // of an empty log
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

  test('sources, sinks and handlers are shown, what fails first, in Spanish too; without any there is no such table', async (t) => {
    const none = await startDaemon(t);
    const empty = await visit(none.url);
    await signIn(empty, ADMIN_KEY);
    await empty.locator('#connections td').first().waitFor();
    assert.equal(await empty.locator('#links').isVisible(), false);
    await empty.close();

    const { url, daemon } = await startDaemon(t, {
      sources: {
        doors: { listen: 'tcp://127.0.0.1:0', frame: 'lines', channel: 'door:1' },
        scale: { dial: 'tcp://127.0.0.1:1', frame: 'lines', channel: 'scale' },
      },
      sinks: {
        accesses: { from: 'door:*', into: { database: 'sqlite:/nowhere/shop.db', table: 'a', columns: { b: 1 } } },
      },
      handlers: { shop: { events: ['call'], methods: '*', url: 'http://127.0.0.1:1/realtime' } },
    });
    await daemon.hub.publish('door:1', '<b>7</b>');
    const page = await visit(url, { viewport: { width: 1280, height: 900 } });
    await signIn(page, ADMIN_KEY);
    const row = (name: string) =>
      page.locator('#links tbody tr').filter({ has: page.getByText(name, { exact: true }) });
    await row('scale')
      .getByText(/^CONNECTION_REFUSED: /)
      .waitFor();
    const cells = async (name: string) => (await row(name).locator('td').allTextContents()).slice(0, 5);
    assert.deepEqual(await cells('scale'), ['Source', 'scale', 'tcp://127.0.0.1:1', 'fails', '0']);
    assert.deepEqual(await cells('doors'), ['Source', 'doors', 'tcp://127.0.0.1:0', 'works', '0']);
    assert.deepEqual(await cells('shop'), ['Handler', 'shop', 'http://127.0.0.1:1/realtime', 'works', '']);
    await row('accesses').getByText('fails').waitFor();
    const states = await page.locator('#links tbody tr td:nth-child(4)').allTextContents();
    assert.deepEqual(states, ['fails', 'fails', 'works', 'works']);
    await page.close();

    const phone = await visit(url, { locale: 'es-MX', viewport: { width: 420, height: 800 }, colorScheme: 'dark' });
    await phone.getByLabel('Clave de la API').fill(ADMIN_KEY);
    await phone.getByRole('button', { name: 'Iniciar sesión' }).click();
    await phone.locator('#links').getByText('Destino', { exact: true }).waitFor();
    await phone.getByText('Fuentes, destinos y manejadores').waitFor();
    assert.equal(await phone.locator('#links').getByText('falla', { exact: true }).count(), 2);
    const width = await phone.evaluate('document.documentElement.scrollWidth');
    assert.equal(width, 420);
    await phone.close();
    assert.deepEqual(troubles, []);
  });

  test('users whose ids are markup, paths or stars are shown literally, watched, and disconnected', async (t) => {
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
      await watched('onOccupied', daemon.hub, row.getByRole('button', { name: 'Watch' }));
      await visitor.publish('news', { text: '<b>again</b>' });
      await page.locator('#traffic li', { hasText: '{"text":"<b>again</b>"}' }).waitFor();
      const ended = new Promise((resolve) => visitor.on('state', (state) => state === 'closed' && resolve(state)));
      await row.getByRole('button', { name: 'Disconnect' }).click();
      await ended;
      await watched('onVacated', daemon.hub, page.getByRole('button', { name: 'Stop' }));
    }
    assert.equal(await page.title(), 'Zócalo · Admin');
    await page.close();
    assert.deepEqual(troubles, []);
  });

  test("an administrator sends to a user, sees how many connections got it, and revokes the user's tokens", async (t) => {
    const { url, client, daemon } = await startDaemon(t, { secret: 's'.repeat(40) });
    const token = await daemon.auth.mint({ user: 'natalia' });
    const natalia = client({ token: () => token });
    const sent = new Promise((resolve) => natalia.on('message', resolve));
    natalia.subscribe('news');
    const page = await visit(url);
    await signIn(page, ADMIN_KEY);
    const row = page.locator('#connections tr', { hasText: 'natalia' });
    await row.getByRole('button', { name: 'Send' }).click();
    assert.equal(await page.locator('#send-user').inputValue(), 'natalia');
    const form = page.locator('#send');
    await form.getByLabel('Message, as JSON').fill('{"text":"hola"}');
    await form.getByRole('button', { name: 'Send' }).click();
    await form.getByText('Sent to 1 connection.').waitFor();
    assert.deepEqual(await sent, { text: 'hola' });
    await form.getByLabel('User').fill('luis');
    await form.getByRole('button', { name: 'Send' }).click();
    await form.getByText('The user is not connected: nobody got it.').waitFor();
    await form.getByLabel('Message, as JSON').fill('{id: 1}');
    await form.getByRole('button', { name: 'Send' }).click();
    await page.locator('#send-outcome', { hasText: 'JSON' }).waitFor();

    const closed = new Promise((resolve) => natalia.on('state', (state) => state === 'closed' && resolve(state)));
    const question = page.waitForEvent('dialog');
    await row.getByRole('button', { name: 'Revoke' }).click();
    assert.match((await question).message(), /^Revoke all tokens and sessions of natalia/);
    await page.getByText('All tokens and sessions of natalia are revoked.').waitFor();
    await closed;
    const back = client({ token: () => token });
    await assert.rejects(back.publish('news', 1), { code: 'UNAUTHORIZED' });
    await page.close();
    assert.deepEqual(troubles, []);
  });

  test('a channel’s history is shown from the newest to the oldest, with its numbers as published', async (t) => {
    const { url, daemon } = await startDaemon(t);
    await fetch(`${url}/api/publish`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}` },
      body: '{"channel":"news","data":{"id":12345678901234567890}}',
    });
    for (let n = 2; n <= 50; n++) await daemon.hub.publish('news', { n });
    const page = await visit(url);
    await signIn(page, ADMIN_KEY);
    await page.locator('#watch-name').fill('news');
    await page.locator('#watch').getByRole('button', { name: 'Watch' }).click();
    const lines = page.locator('#history li');
    await lines.getByText('50 {"n":50}').waitFor();
    assert.equal(await lines.count(), 20);
    await daemon.hub.publish('news', { n: 51 }); // does not move what is further back
    await page.getByRole('button', { name: 'Older' }).click();
    await lines.getByText('11 {"n":11}').waitFor();
    assert.equal(await lines.count(), 40);
    await page.getByRole('button', { name: 'Older' }).click();
    await lines.getByText('1 {"id":12345678901234567890}').waitFor();
    assert.equal(await lines.count(), 50);
    assert.equal(await page.getByRole('button', { name: 'Older' }).isVisible(), false);
    await page.close();
    assert.deepEqual(troubles, []);
  });

  for (const [locale, title] of [
    ['en-US', 'Refusals and errors'],
    ['es-MX', 'Rechazos y errores'],
  ] as const)
    test(`on a phone with the language ${locale}, nothing is wider than the screen, and a refusal shows its reason`, async (t) => {
      const { url, client, daemon } = await startDaemon(t, {
        secret: 's'.repeat(40),
        channels: { '*': { publish: 'nobody' } },
      });
      const user = 'a-long-name-without-blanks@subdomain.example.org';
      const token = await daemon.auth.mint({ user });
      const visitor = client({ token: () => token });
      const page = await visit(url, { locale, viewport: { width: 360, height: 740 } });
      assert.equal(await overflow(page), 0);
      await page.locator('#key').fill(ADMIN_KEY);
      await page.locator('#entry button').click();
      await page.getByRole('heading', { name: title }).waitFor();
      assert.equal(await page.locator('html').getAttribute('lang'), locale.slice(0, 2));
      visitor.subscribe('a-rather-long-room-name-without-any-blank');
      await assert.rejects(visitor.publish('news', 1), { code: 'FORBIDDEN' });
      const row = page.locator('#errors tr', { hasText: 'FORBIDDEN' });
      await row.waitFor();
      const cells = await row.locator('td').allTextContents();
      assert.deepEqual(cells.slice(1), ['FORBIDDEN', 'news', cells[3]!, user, '127.0.0.1']);
      assert.match(cells[3]!, /publish is nobody/);
      await page.locator('#connections tr', { hasText: user }).waitFor();
      await page.locator('#channels tr', { hasText: 'a-rather-long' }).waitFor();
      assert.equal(await overflow(page), 0);
      await page.close();
      assert.deepEqual(troubles, []);
    });
});

/** Pixels by which the page, or a part of it, is wider than the room that it has. */
function overflow(page: Page): Promise<number> {
  return page.evaluate<number>(`Math.max(
    ...[document.documentElement, ...document.querySelectorAll('section, figure, form')]
      .map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)
  )`);
}

/** Presses a button, and waits until the hub has begun or ended to watch a user for it. */
async function watched(event: 'onOccupied' | 'onVacated', hub: Hub, button: Locator): Promise<void> {
  const happened = Promise.withResolvers<void>();
  const stop = hub.observe({
    [event]: (channel: string) => channel.startsWith('zocalo:watch:user:') && happened.resolve(),
  });
  await button.click();
  await happened.promise;
  stop();
}

test('the admin page has the same texts in English and in Spanish', () => {
  const [english, spanish] = [adminWordsFor('en'), adminWordsFor('es')] as Record<string, unknown>[];
  assert.deepEqual(Object.keys(spanish!), Object.keys(english!));
  const page = readFileSync(new URL('../../web/admin/index.html', import.meta.url), 'utf8');
  for (const [, word] of page.matchAll(/data-(?:word|label)="(\w+)"/g))
    assert.equal(typeof english![word!], 'string', word);
});

test('labels of a chart’s axis differ, however close their numbers are', () => {
  assert.deepEqual(labels([0], 'en'), ['0']);
  assert.deepEqual(labels([], 'en'), []);
  assert.deepEqual(labels([0, 500, 1_000], 'en'), ['0', '500', '1K']);
  assert.deepEqual(labels([1_000, 1_010, 1_020], 'en'), ['1K', '1.01K', '1.02K']);
  assert.deepEqual(labels([1_000_000, 1_000_500], 'es'), ['1\u00a0M', '1,0005\u00a0M']);
});
