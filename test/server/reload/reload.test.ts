import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { makeCertificate } from '../../support/certificate.ts';
import { zocaloIn } from '../../support/cli.ts';
import { ADMIN_KEY, configOf } from '../../support/config.ts';
import { startDaemon } from '../../support/daemon.ts';
import { RawClient } from '../../support/raw-client.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('SIGHUP changes the log level, and an invalid configuration changes nothing', async (t) => {
  const folder = temporaryFolder(t);
  const configure = (log: object) =>
    writeFileSync(
      join(folder, 'zocalo.config.json'),
      JSON.stringify({ listen: 'http://127.0.0.1:0', store: 'memory', log }),
    );
  configure({ level: 'silent' });
  const program = zocaloIn(folder, ['serve']);
  t.after(() => program.stop('SIGKILL'));
  await program.says(/open at/);
  configure({ level: 'info' });
  program.child.kill('SIGHUP');
  await program.says(/"level":"info".*the configuration was reloaded/, 'stderr');
  configure({ level: 'loud' });
  program.child.kill('SIGHUP');
  await program.says(/"level":"error".*BAD_CONFIG.*log\.level.*nothing has changed/, 'stderr');
  assert.equal(await program.stop(), 0);
  assert.match(program.stderr, /"level":"info".*"stopped"/);
});

test('no signal, however early or often, interrupts a start or a stop', async (t) => {
  const folder = temporaryFolder(t);
  const gate = join(folder, 'gate');
  writeFileSync(
    join(folder, 'zocalo.config.ts'),
    `import { existsSync } from 'node:fs';
    console.error('reading');
    while (!existsSync(${JSON.stringify(gate)})) await new Promise(setImmediate);
    export default { listen: 'http://127.0.0.1:0', store: 'memory', drain: { deadline: 300 }, log: { form: 'json' } };`,
  );
  const early = zocaloIn(folder, ['serve']);
  t.after(() => early.stop('SIGKILL'));
  await early.says(/reading/, 'stderr');
  for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT', 'SIGTERM'] as const) early.child.kill(signal);
  writeFileSync(gate, '');
  assert.equal(await early.exited, 0);
  // It was told to stop before it had opened anything, so that it opened nothing.
  assert.doesNotMatch(early.stdout, /open at/);
  assert.doesNotMatch(early.stderr, /"level":"error"/);

  const late = zocaloIn(folder, ['serve']);
  t.after(() => late.stop('SIGKILL'));
  const [, url] = await late.says(/open at (http\S+)/);
  // Somebody who does not answer the end holds it up until the deadline.
  const mute = await RawClient.open(url!.replace('http', 'ws'));
  t.after(() => mute.socket.destroy());
  late.child.kill('SIGTERM');
  await late.says(/"stopping"/, 'stderr');
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGTERM'] as const) late.child.kill(signal);
  assert.equal(await late.exited, 0);
  assert.match(late.stderr, /"(stopped|.* did not stop in time)"/);
});

test('an administrator whose key a reload removes is disconnected, and their tokens are refused', async (t) => {
  const { daemon, call, client } = await startDaemon(t);
  const { body } = await call('POST', '/admin/session', undefined, ADMIN_KEY);
  const admin = client({ token: () => body.token });
  const ended = new Promise<{ code: string }>((resolve) => admin.on('error', resolve as never));
  const news = admin.subscribe('zocalo:admin');
  await new Promise((resolve) => news.on('live', resolve));
  const { listen, api } = daemon.config;
  await daemon.reload(configOf({ listen, api: { keys: api.keys.filter(({ name }) => name === 'test') } }));
  assert.equal((await ended).code, 'UNAUTHORIZED');
  await assert.rejects(daemon.auth.connect({ token: body.token, request: undefined }), { code: 'UNAUTHORIZED' });
  assert.equal((await call('POST', '/admin/session', undefined, ADMIN_KEY)).status, 401);
});

test('a new secret invalidates the tokens of the old one', async (t) => {
  const { daemon } = await startDaemon(t, { secret: 'o'.repeat(32) });
  const token = await daemon.auth.mint({ user: 'ana' });
  assert.equal((await daemon.auth.connect({ token, request: undefined }))?.user, 'ana');
  await daemon.reload(configOf({ listen: daemon.config.listen, secret: 'n'.repeat(32) }));
  await assert.rejects(daemon.auth.connect({ token, request: undefined }), { code: 'UNAUTHORIZED' });
});

test('a reload that fails in its last part changes nothing in the others', async (t) => {
  const folder = temporaryFolder(t);
  const store = `sqlite:${join(folder, 'square.db')}`;
  const { daemon } = await startDaemon(t, { store, secret: 'o'.repeat(32) });
  const token = await daemon.auth.mint({ user: 'ana' });
  writeFileSync(join(folder, 'square.db-webhooks'), 'no database, and long enough to be seen as none');
  const webhooks = [{ url: 'http://127.0.0.1:1/', secret: 'w'.repeat(32) }];
  const next = configOf({ listen: daemon.config.listen, store, secret: 'n'.repeat(32), webhooks });
  await assert.rejects(daemon.reload(next), { code: 'STORE_FAILED' });
  assert.equal((await daemon.auth.connect({ token, request: undefined }))?.user, 'ana');
  rmSync(join(folder, 'square.db-webhooks'));
  await daemon.reload(next);
  await assert.rejects(daemon.auth.connect({ token, request: undefined }), { code: 'UNAUTHORIZED' });
});

test('of two simultaneous reloads the later one applies, as a whole, and neither disturbs a stop', async (t) => {
  const { daemon } = await startDaemon(t);
  const { listen } = daemon.config;
  const keyed = (name: string) => configOf({ listen, secret: name.repeat(32), webhooks: [hook(name)] });
  const hook = (name: string) => ({ url: `http://127.0.0.1:1/${name}`, secret: name.repeat(32) });
  await Promise.all(['a', 'b', 'c'].map((name) => daemon.reload(keyed(name))));
  assert.equal(daemon.config.secret, 'c'.repeat(32));
  const last = daemon.reload(keyed('d'));
  await Promise.resolve(); // it has begun
  const stopped = daemon.stop();
  await Promise.allSettled([last]);
  await assert.rejects(daemon.reload(keyed('e')), { code: 'ABORTED' });
  assert.equal(await stopped, true);
  assert.equal(await daemon.stop(), true);
});

test('a certificate of another key is refused at the start and by a reload, and the old one stays', async (t) => {
  const [one, other] = [makeCertificate(), makeCertificate()];
  const folder = temporaryFolder(t);
  const write = (name: string, text: string | Buffer) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const cert = write('cert.pem', one.cert);
  const fitting = [{ cert, key: write('key.pem', one.key) }];
  const wrong = [{ cert, key: write('other.pem', other.key) }];
  const listen = 'https://127.0.0.1:0';
  await assert.rejects(startDaemon({ after: () => {} }, { listen, tls: wrong }), { code: 'BAD_CERTIFICATE' });
  const { daemon } = await startDaemon(t, { listen, tls: fitting, secret: 'o'.repeat(32) });
  await assert.rejects(daemon.reload(configOf({ listen, tls: wrong, secret: 'n'.repeat(32) })), {
    code: 'BAD_CERTIFICATE',
  });
  assert.equal(daemon.config.secret, 'o'.repeat(32));
  const socket = connectTls({ port: Number(new URL(daemon.addresses[0]!).port), ca: one.cert, host: '127.0.0.1' });
  await once(socket, 'secureConnect');
  socket.destroy();
});
