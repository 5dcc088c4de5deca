import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { Client } from '../../src/client/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { CLI, Program } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const EXAMPLE = join(ROOT, 'examples/login-page');

test('docs/login.md has the files of examples/login-page', () => {
  const page = readFileSync(join(ROOT, 'docs/login.md'), 'utf8');
  for (const name of readdirSync(EXAMPLE))
    assert.ok(page.includes(`\n${readFileSync(join(EXAMPLE, name), 'utf8')}\`\`\`\n`), name);
});

test('a visitor logs in, speaks, goes on with renewed tokens, and logs out in all tabs at once', {
  skip: missing('chromium'),
  timeout: 60_000,
}, async (t) => {
  const folder = temporaryFolder(t);
  for (const name of readdirSync(EXAMPLE)) copyFileSync(join(EXAMPLE, name), join(folder, name));
  const [daemonPort, port] = [await freePort(), await freePort()];
  for (const name of ['index.html', 'zocalo.config.yaml']) {
    const text = readFileSync(join(folder, name), 'utf8');
    writeFileSync(join(folder, name), text.replaceAll(':9000', `:${daemonPort}`).replaceAll(':3000', `:${port}`));
  }
  const daemon = new Program(process.execPath, [CLI, 'serve'], { cwd: folder });
  const DAEMON = `http://localhost:${daemonPort}`;
  // Tokens for three seconds, so that they are renewed while the test looks.
  const env = { ...process.env, DAEMON, PORT: String(port), SECONDS: '3' };
  const application = new Program(process.execPath, ['app.ts'], { cwd: folder, env });
  const browser = await launchChromium();
  t.after(async () => {
    await browser.close();
    await Promise.all([daemon.stop('SIGKILL'), application.stop()]);
  });
  await Promise.all([daemon.says(/http:\S+:\d+/), application.says(/http:\S+:\d+/)]);

  const context = await browser.newContext();
  const open = async () => {
    const tab = await context.newPage();
    let tokens = 0;
    tab.on('response', (response) => {
      if (response.url().endsWith('/token') && response.ok()) tokens += 1;
    });
    await tab.goto(`http://localhost:${port}/`);
    return { tab, tokens: () => tokens };
  };
  const sees = (tab: Page, id: string) => tab.waitForSelector(id, { timeout: 20_000 });
  const say = (tab: Page, text: string) => tab.fill('#say input', text).then(() => tab.press('#say input', 'Enter'));
  const shows = ({ tab }: { tab: Page }, text: string) =>
    until(
      async () => (await tab.$$eval('li', (rows) => rows.map((row) => row.textContent))).join() === text,
      `the page shows ${text}`,
      20_000,
    );

  const first = await open();
  await sees(first.tab, '#login');
  await first.tab.fill('#login input', 'ana');
  await first.tab.press('#login input', 'Enter');
  await sees(first.tab, '#room');
  await say(first.tab, 'hola');
  const second = await open();
  await sees(second.tab, '#room');
  await shows(second, 'ana: hola');

  await until(() => first.tokens() >= 2, 'the token was renewed', 20_000);
  await say(first.tab, 'still here');
  for (const one of [first, second]) await shows(one, 'ana: hola,ana: still here');

  const token = await first.tab.evaluate("fetch('/token', { method: 'POST' }).then((answer) => answer.text())");
  await first.tab.click('#logout');
  for (const { tab } of [first, second]) await sees(tab, '#login');
  assert.equal(await first.tab.evaluate("fetch('/token', { method: 'POST' }).then(({ status }) => status)"), 401);
  const thief = new Client(DAEMON.replace('http', 'ws'), { token: token as string });
  thief.on('error', () => {});
  t.after(() => thief.close());
  await assert.rejects(thief.history('chat:room'), { code: 'UNAUTHORIZED' });
});
