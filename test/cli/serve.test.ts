import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/client/index.ts';
import { ChatServerProcess } from '../support/chat-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

function serve(args: string[], env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [CLI, 'serve', ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
}

test('the chat is open to this machine over IPv4 and IPv6, and stops cleanly', async () => {
  const server = await ChatServerProcess.start();
  assert.match(server.url, /^http:\/\/localhost:\d+$/);
  for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
    const response = await fetch(`http://${host}:${server.port}/`);
    assert.match(await response.text(), /<title>Zócalo<\/title>/, host);
  }
  assert.equal(await server.stop('SIGINT'), 0);
});

test('`--host` names the address to listen on', async () => {
  const server = await ChatServerProcess.start(0, ['--store', 'memory', '--host', '127.0.0.1']);
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  const socket = net.connect(server.port, '::1');
  const refused = await new Promise((resolve) =>
    socket.on('error', () => resolve(true)).on('connect', () => resolve(false)),
  );
  assert.equal(refused, true);
  await server.stop('SIGTERM');
});

test('a port that is taken or invalid is one line on stderr, without a stack', async () => {
  const server = await ChatServerProcess.start();
  for (const [args, env, exit, sentence] of [
    [['--port', String(server.port)], {}, 3, /ADDRESS_IN_USE/],
    [[], { PORT: String(server.port) }, 3, /ADDRESS_IN_USE/],
    [['--port', 'nine'], {}, 2, /port/i],
    [['--port', '65536'], {}, 2, /port/i],
  ] as const) {
    const { status, stdout, stderr } = serve(['--store', 'memory', ...args], env);
    assert.equal(status, exit, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, sentence);
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
  await server.stop('SIGTERM');
});

test('messages survive the server in its file, which one server uses at a time', async (t) => {
  const folder = temporaryFolder(t);
  const data = ['--store', `sqlite:${join(folder, 'square.db')}`];
  let server = await ChatServerProcess.start(0, data);
  t.after(() => server.stop('SIGKILL'));
  const url = (server: ChatServerProcess) => server.url.replace('http', 'ws');
  const ana = new Client(url(server));
  await ana.publish('chat:square', { text: 'hola', name: 'Ana' });
  ana.close();

  const second = serve(['--port', '0', ...data]);
  assert.equal(second.status, 11, second.stderr);
  assert.match(second.stderr, /^LOG_\w+: /);
  assert.doesNotMatch(second.stderr, /\n\s+at /);

  await server.stop('SIGKILL');
  server = await ChatServerProcess.start(0, data);
  const luis = new Client(url(server));
  for await (const { data } of luis.subscribe('chat:square', { recent: 50 })) {
    assert.deepEqual(data, { text: 'hola', name: 'Ana' });
    break;
  }
  luis.close();
  assert.equal(await server.stop('SIGTERM'), 0);
});

test('--help shows how', () => {
  const { status, stdout } = serve(['--help']);
  assert.equal(status, 0);
  assert.match(stdout, /Examples:.*zocalo serve --host 0\.0\.0\.0/s);
});
