import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Bound, bindServers, parseAddress } from '../../src/stream/index.ts';
import { noIPv6 } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const directory = temporaryFolder({ after });

const bind = (address: string) => bindServers(createServer, parseAddress(address));
const close = (bound: Bound[]) => Promise.all(bound.map(({ server }) => new Promise((done) => server.close(done))));
const portOf = (bound: Bound[]) => Number(/\d+$/.exec(bound[0]!.address));

async function answers(where: { host: string; port: number } | { path: string }): Promise<void> {
  const socket = connect({ ...where });
  await once(socket, 'connect');
  socket.destroy();
}

test('localhost is bound on both loopbacks, with one free port for port 0', { skip: noIPv6 }, async () => {
  const bound = await bind('tcp://localhost:0');
  const port = portOf(bound);
  assert.ok(port > 0);
  assert.deepEqual(
    bound.map(({ address }) => address),
    [`tcp://127.0.0.1:${port}`, `tcp://[::1]:${port}`],
  );
  await answers({ host: '127.0.0.1', port });
  await answers({ host: '::1', port });
  await close(bound);
});

test('an HTTP server is bound under the scheme and the path of its address', async () => {
  const bound = await bindServers(
    () => createHttpServer((_, response) => response.end('hi')),
    parseAddress('ws://127.0.0.1:0/chat'),
  );
  assert.match(bound[0]!.address, /^ws:\/\/127\.0\.0\.1:\d+\/chat$/);
  assert.equal(await (await fetch(bound[0]!.address.replace('ws', 'http'))).text(), 'hi');
  await close(bound);
});

test('a taken port is ADDRESS_IN_USE with the address in the message', async () => {
  const bound = await bind('tcp://127.0.0.1:0');
  await assert.rejects(bind(bound[0]!.address), {
    name: 'ZocaloError',
    code: 'ADDRESS_IN_USE',
    message: `${bound[0]!.address} is taken by another program; stop the other program, or choose another port`,
  });
  await close(bound);
});

test('localhost with one of its two ports taken leaves nothing open', { skip: noIPv6 }, async () => {
  const taken = await bind('tcp://[::1]:0');
  const port = portOf(taken);
  await assert.rejects(bind(`tcp://localhost:${port}`), { code: 'ADDRESS_IN_USE', message: /^tcp:\/\/\[::1\]/ });
  await assert.rejects(answers({ host: '127.0.0.1', port }), { code: 'ECONNREFUSED' });
  await close(taken);
});

test('port 0 on localhost is tried again when the first port is taken on ::1', { skip: noIPv6 }, async () => {
  const created: Server[] = [];
  const thief = createServer();
  const bound = await bindServers(() => {
    const server = createServer();
    // The first server's port is taken on ::1 just before the second one would have it.
    if (created.push(server) === 2) thief.listen((created[0]!.address() as { port: number }).port, '::1');
    return server;
  }, parseAddress('tcp://localhost:0'));
  assert.equal(created.length, 4);
  assert.equal(bound.length, 2);
  assert.notEqual(portOf(bound), (thief.address() as { port: number }).port);
  await close(bound);
  thief.close();
});

test('an address of another machine is ADDRESS_NOT_AVAILABLE', async () => {
  await assert.rejects(bind('tcp://192.0.2.1:0'), { code: 'ADDRESS_NOT_AVAILABLE', message: /tcp:\/\/192\.0\.2\.1:0/ });
});

test('a host that does not exist is UNKNOWN_HOST', async () => {
  await assert.rejects(bind('tcp://nobody.invalid:0'), { code: 'UNKNOWN_HOST', message: /tcp:\/\/nobody\.invalid:0/ });
});

const root = process.getuid?.() === 0 ? 'root may do everything' : false;
test('a directory without write permission is PERMISSION_DENIED', { skip: root }, async () => {
  const closed = join(directory, 'closed');
  await mkdir(closed, { mode: 0o555 });
  const expected = { code: 'PERMISSION_DENIED', message: /may not use unix:\/\/\/.*\/closed\/a\.sock;/ };
  await assert.rejects(bind(`unix://${closed}/a.sock`), expected);
});

test('a cancelled call binds nothing', async () => {
  const address = parseAddress('tcp://127.0.0.1:0');
  const servers: Server[] = [];
  const create = () => {
    servers.push(createServer());
    return servers.at(-1)!;
  };
  await assert.rejects(bindServers(create, address, { signal: AbortSignal.abort() }), { code: 'ABORTED' });
  assert.equal(servers.length, 0);

  const controller = new AbortController();
  const pending = bindServers(create, { ...address, host: 'localhost.localdomain' } as typeof address, {
    signal: controller.signal,
  });
  controller.abort();
  await assert.rejects(pending, { code: 'ABORTED' });
});

test('a unix socket is bound, and its file is removed when the server closes', async () => {
  const path = join(directory, 'a b.sock');
  const bound = await bind(`unix://${path}`);
  assert.equal(bound[0]!.address, `unix://${directory}/a%20b.sock`);
  await answers({ path });
  await close(bound);
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('a unix socket on which a process answers is ADDRESS_IN_USE, and that process continues', async () => {
  const path = join(directory, 'alive.sock');
  const bound = await bind(`unix://${path}`);
  await assert.rejects(bind(`unix://${path}`), { code: 'ADDRESS_IN_USE' });
  await answers({ path });
  await close(bound);
});

test('the file of a killed server is replaced', async () => {
  const path = join(directory, 'stale.sock');
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok((await stat(path)).isSocket());
  const bound = await bind(`unix://${path}`);
  await answers({ path });
  await close(bound);
});

test('a file that is not a socket is not changed', async () => {
  const path = join(directory, 'letter.txt');
  await writeFile(path, 'dear');
  await assert.rejects(bind(`unix://${path}`), { code: 'ADDRESS_IN_USE', message: /is a file, not a socket/ });
  assert.ok((await stat(path)).isFile());
});

test('a missing directory is NO_SUCH_PATH', async () => {
  await assert.rejects(bind(`unix://${directory}/nowhere/a.sock`), {
    code: 'NO_SUCH_PATH',
    message: /nowhere\/a\.sock/,
  });
});
