import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { signatureOf } from '../../src/server/webhooks/signature.ts';
import { launchChromium } from '../support/chromium.ts';
import { Program } from '../support/cli.ts';
import { API_KEY } from '../support/config.ts';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PHP = join(ROOT, 'examples/php/');
const SECRET = 's'.repeat(43);

/** What a script prints. */
async function php(file: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const program = new Program('php', [file, ...args], { env: { ...process.env, ...env } });
  assert.equal(await program.exited, 0, program.stderr + program.stdout);
  return program.stdout.trim();
}

/** PHP's own server with these files, and a folder for its sessions. */
async function servePhp(t: TestContext, files: readonly string[], { env = {}, login = '' } = {}) {
  const folder = temporaryFolder(t);
  for (const file of files) copyFileSync(join(PHP, file), join(folder, file));
  if (login) writeFileSync(join(folder, 'login.php'), login);
  const settings = ['-d', `session.save_path=${folder}`, '-S', '127.0.0.1:0', '-t', folder];
  const program = new Program('php', settings, { env: { ...process.env, ...env } });
  t.after(() => program.stop('SIGINT'));
  const [, url] = await program.says(/\((http:\/\/127\.0\.0\.1:\d+)\) started/, 'stderr');
  return { url: url!, program };
}

test('the publication of the README is that of examples/php/publish.php', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const shown = readme
    .match(/```php\n.*?```/gs)!
    .find((code) => code.includes('/api/publish'))!
    .slice(7, -3);
  const example = readFileSync(join(PHP, 'publish.php'), 'utf8');
  assert.ok(example.endsWith(shown.replace("'http://127.0.0.1:9000/api/publish'", '"$url/api/publish"')));
});

test('what PHP publishes reaches a page, and a refusal is printed', { skip: missing('php') }, async (t) => {
  const { url, client } = await startDaemon(t);
  const news = client().subscribe('news');
  await new Promise((resolve) => news.on('live', resolve));
  const publish = (key: string) => php(join(PHP, 'publish.php'), [], { ZOCALO_URL: url, ZOCALO_KEY: key });
  const { at } = JSON.parse(await publish(API_KEY));
  const { value } = await news[Symbol.asyncIterator]().next();
  assert.deepEqual([value!.data, value!.position], [{ title: 'Hola' }, at]);
  assert.equal(JSON.parse(await publish('wrong')).code, 'UNAUTHORIZED');
});

test("PHP's token admits a client to the channels that it names, and no others", {
  skip: missing('php'),
}, async (t) => {
  const granted = { subscribe: 'granted', publish: 'granted' } as const;
  const { client, daemon } = await startDaemon(t, {
    secret: SECRET,
    auth: { anonymous: false },
    channels: { 'chat:*': granted, 'inbox:*': granted },
  });
  const token = (secret: string) =>
    php(join(PHP, 'token.php'), ['natalia', 'sub:chat:42', 'pub:chat:42'], { ZOCALO_SECRET: secret });
  const good = await token(SECRET);
  const natalia = client({ token: () => good });
  const chat = natalia.subscribe('chat:42');
  await new Promise((resolve) => chat.on('live', resolve));
  assert.equal(daemon.hub.user('natalia').connections.length, 1);
  await natalia.publish('chat:42', 'hola');
  const { value } = await chat[Symbol.asyncIterator]().next();
  assert.equal(value!.data, 'hola');
  const inbox = natalia.subscribe('inbox:natalia');
  const refused = await new Promise<unknown>((resolve) => inbox.on('error', resolve));
  assert.equal((refused as { code: string }).code, 'FORBIDDEN');
  await assert.rejects(natalia.publish('chat:43', 'hola'), { code: 'FORBIDDEN' });
  const forged = await token('f'.repeat(43));
  await assert.rejects(client({ token: () => forged }).publish('chat:42', 'hola'), { code: 'UNAUTHORIZED' });
});

/** Logs in whom the query names, and shows a page that has the SDK of the daemon. */
const LOGIN = `<?php
session_start();
if (isset($_GET['user'])) $_SESSION['user'] = $_GET['user'];
?><!doctype html><title>inbox</title>`;

test("a PHP session admits the browser's cookie to that user's channels, and nobody without one", {
  skip: missing('php', 'chromium'),
}, async (t) => {
  const site = await servePhp(t, ['hook.php'], { login: LOGIN });
  const { url, call } = await startDaemon(t, {
    auth: { anonymous: false },
    handlers: { login: { events: ['connect'], url: `${site.url}/hook.php` } },
    channels: { 'inbox:*': { subscribe: 'granted' } },
  });
  const browser = await launchChromium();
  t.after(() => browser.close());
  // The cookie is for the host, whatever the port, and so comes to the daemon, too.
  const subscribe = (inbox: string) => `(async () => {
    const { Client } = await import('${url}/zocalo.js');
    const client = new Client('${url.replace('http', 'ws')}');
    client.on('error', () => {});
    const inbox = client.subscribe('${inbox}', { recent: 1 });
    return new Promise((resolve) => {
      inbox.on('error', ({ code }) => resolve(code));
      inbox[Symbol.asyncIterator]().next().then(({ value }) => value && resolve(value.data));
    });
  })()`;
  await call('POST', '/api/publish', { channel: 'inbox:natalia', data: 'a letter' });
  const natalia = await (await browser.newContext()).newPage();
  await natalia.goto(`${site.url}/login.php?user=natalia`);
  assert.equal(await natalia.evaluate(subscribe('inbox:natalia')), 'a letter');
  assert.equal(await natalia.evaluate(subscribe('inbox:luis')), 'FORBIDDEN');
  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(`${site.url}/login.php`);
  assert.equal(await stranger.evaluate(subscribe('inbox:natalia')), 'UNAUTHORIZED');
});

test("PHP's hook opens a user's own inbox for any user name, and nobody else's", {
  skip: missing('php'),
}, async (t) => {
  const site = await servePhp(t, ['hook.php'], { login: LOGIN });
  const { daemon, log, url } = await startDaemon(t, {
    auth: { anonymous: false },
    handlers: { login: { events: ['connect'], url: `${site.url}/hook.php` } },
    channels: { 'inbox:*': { subscribe: 'granted' } },
  });
  await daemon.hub.publish('inbox:natalia', 'a letter');
  for (const user of ['José', '*', 'a b', 'inbox:*', '名前', "O'Brien", '50%', 'a/b?c#d', '1163456789012345678']) {
    const { headers } = await fetch(`${site.url}/login.php?user=${encodeURIComponent(user)}`);
    const cookie = headers.get('set-cookie')!.split(';')[0]!;
    const read = async (inbox: string) =>
      (await fetch(`${url}/sse?channel=${encodeURIComponent(inbox)}&recent=1`, { headers: { cookie } })).status;
    const encoded = encodeURIComponent(user).replace(
      /[!'()*]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
    );
    assert.equal(await read(`inbox:${encoded}`), 200, user);
    assert.equal(await read('inbox:natalia'), 403, user);
  }
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'error'),
    [],
  );
});

test("PHP's token function can be included, and refuses a missing or short secret", {
  skip: missing('php'),
}, async () => {
  const run = async (code: string) => {
    const program = new Program('php', ['-r', `require '${join(PHP, 'token.php')}'; ${code}`]);
    return { exit: await program.exited, said: program.stdout + program.stderr };
  };
  assert.deepEqual(await run(''), { exit: 0, said: '' });
  assert.match((await run(`echo zocalo_token('natalia', [], 60, '${SECRET}');`)).said, /^[\w-]+\.[\w-]+\.[\w-]{43}$/);
  for (const secret of ['', 'short']) {
    const { exit, said } = await run(`echo zocalo_token('natalia', [], 60, '${secret}');`);
    assert.equal(exit, 255);
    assert.match(said, /the secret is missing or short/);
  }
  const alone = new Program('php', [join(PHP, 'token.php'), 'natalia'], {
    env: { ...process.env, ZOCALO_SECRET: SECRET },
  });
  assert.equal(await alone.exited, 0);
  assert.match(alone.stdout, /^[\w-]+\.[\w-]+\.[\w-]{43}$/); // no newline, which a token must not have
});

test("examples/php/webhook.php accepts the daemon's events, and neither forged nor old ones", {
  skip: missing('php'),
}, async (t) => {
  const { url, program } = await servePhp(t, ['webhook.php'], { env: { ZOCALO_WEBHOOK_SECRET: SECRET } });
  const hook = `${url}/webhook.php`;
  const { call, log } = await startDaemon(t, {
    webhooks: [{ url: hook, secret: SECRET, events: ['published'] }],
  });
  await call('POST', '/api/publish', { channel: 'news', data: 'hola' });
  await program.says(/event \d+: published news/, 'stderr');
  // The second comes only when the first was acknowledged.
  await call('POST', '/api/publish', { channel: 'sport', data: 'hola' });
  await program.says(/event \d+: published sport/, 'stderr');
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'warn'),
    [],
  );
  const body = JSON.stringify({ id: '3-3', version: 3, events: [{ version: 3, type: 'online', user: 'mallory' }] });
  const now = Math.floor(Date.now() / 1_000);
  const post = async (signature: string) => {
    const headers = { 'x-zocalo-signature': signature };
    return (await fetch(hook, { method: 'POST', body, headers })).status;
  };
  assert.equal(await post(signatureOf('f'.repeat(43), now, body)), 401);
  assert.equal(await post(signatureOf(SECRET, now - 301, body)), 401);
  assert.equal(await post(signatureOf(SECRET, now, `${body} `)), 401);
  assert.equal((await fetch(hook, { method: 'POST', body })).status, 401);
  assert.doesNotMatch(program.stderr, /mallory/);
  assert.equal(await post(signatureOf(SECRET, now, body)), 204);
});

test('examples/php/webhook.php without a secret accepts nothing, not even calls signed with an empty one', {
  skip: missing('php'),
}, async (t) => {
  const { url } = await servePhp(t, ['webhook.php'], { env: { ZOCALO_WEBHOOK_SECRET: '' } });
  const body = JSON.stringify({ id: '1-1', version: 1, events: [{ version: 1, type: 'online', user: 'mallory' }] });
  const headers = { 'x-zocalo-signature': signatureOf('', Math.floor(Date.now() / 1_000), body) };
  assert.equal((await fetch(`${url}/webhook.php`, { method: 'POST', body, headers })).status, 500);
});
