import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { startDaemon } from '../support/daemon.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { HubPeer } from './hub-peer.ts';

const run = promisify(execFile);

async function place(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  return join(folder, 'api.sock');
}

test('a script on this machine publishes through the Unix socket without a key', {
  skip: missing('curl'),
}, async (t) => {
  const socket = await place(t);
  const { client } = await startDaemon(t, { socket });
  const news = client().subscribe('news');
  await new Promise((resolve) => news.on('live', resolve));
  const body = '{"channel":"news","data":"hola"}';
  const { stdout } = await run('curl', ['-sS', '--unix-socket', socket, '-d', body, 'http://localhost/api/publish']);
  assert.equal(JSON.parse(stdout).at[1], 1);
  const { value } = await news[Symbol.asyncIterator]().next();
  assert.equal(value!.data, 'hola');
});

test('the socket is for its owner and group alone, and is removed at the end', async (t) => {
  const socket = await place(t);
  const { daemon } = await startDaemon(t, { socket });
  assert.equal((await stat(socket)).mode & 0o777, 0o660);
  await daemon.stop();
  await assert.rejects(stat(socket), { code: 'ENOENT' });
});

test('a socket file left by a killed daemon is replaced, but not one in use, nor an ordinary file', async (t) => {
  const socket = await place(t);
  const child = await run(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]).catch((error) => error);
  assert.equal(child.signal, 'SIGKILL');
  const { daemon } = await startDaemon(t, { socket });
  await assert.rejects(startDaemon(t, { socket }), { code: 'ADDRESS_IN_USE' });
  await daemon.stop();
  const other = createServer().listen(socket);
  t.after(() => other.close());
  await assert.rejects(startDaemon(t, { socket }), { code: 'ADDRESS_IN_USE' });
  await writeFile(`${socket}.txt`, '');
  await assert.rejects(startDaemon(t, { socket: `${socket}.txt` }), { code: 'BAD_OPTION' });
});

test('a request on the socket that never ends does not keep clients from learning that the daemon stops, and is cut off', async (t) => {
  const socket = await place(t);
  const { daemon, log, url } = await startDaemon(t, { socket });
  const caller = connect(socket).on('error', () => {});
  t.after(() => caller.destroy());
  caller.write('POST /api/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
  const ana = await HubPeer.join(t, url.replace('http', 'ws'));
  const stopped = daemon.stop();
  assert.equal((await ana.until('bye'))[1], 'SHUTTING_DOWN');
  await once(caller.resume(), 'close');
  assert.equal(await stopped, true);
  assert.deepEqual(
    log.lines.filter(({ level }) => level !== 'info'),
    [],
  );
});
