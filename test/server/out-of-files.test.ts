import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { builtPackage } from '../support/built.ts';
import { CLI, Program } from '../support/cli.ts';
import { API_KEY } from '../support/config.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KEY = { authorization: `Bearer ${API_KEY}` };
const built = async () => join(await builtPackage(), 'src/cli.js');

/** A daemon with all defaults but its port and a key, started by a shell's line, in which `$zocalo` is its command. */
async function start(t: TestContext, line: string, cli = CLI, admin = false) {
  const folder = temporaryFolder(t);
  const keys = [{ name: 'test', key: API_KEY, can: ['publish', 'admin'] }];
  const config = { listen: 'http://127.0.0.1:0', api: { keys }, channels: { news: {} }, admin };
  writeFileSync(join(folder, 'zocalo.config.json'), JSON.stringify(config));
  const command = line.replace('$zocalo', `exec '${process.execPath}' '${cli}'`);
  const program = new Program('sh', ['-c', command], { cwd: folder });
  t.after(() => program.stop('SIGKILL'));
  const [address] = await program.says(/http:\S+/);
  const publish = async () => {
    const body = JSON.stringify({ channel: 'news', data: 1 });
    const response = await fetch(`${address}/api/publish`, { method: 'POST', headers: KEY, body });
    assert.equal(response.status, 200, await response.text());
  };
  return { program, address: address!, publish };
}

async function connectTo(address: string): Promise<Socket> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Requests on one connection that is kept: there may be no file for another. */
function talkerTo(t: TestContext, address: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return async (path: string): Promise<{ status: number; body: string }> => {
    const call = request(address + path, { agent, headers: KEY }).end();
    const [response] = await once(call, 'response');
    let body = '';
    for await (const text of response.setEncoding('utf8')) body += text;
    return { status: response.statusCode, body };
  };
}

for (const [name, flags, cli] of [
  ['from the sources', '', async () => CLI],
  ['from the package', '', built],
  ['under the supervisor', ' --supervise', async () => CLI],
] as const) {
  test(`with a limit of 256 open files, 400 silent connections end nothing and block nobody, ${name}`, async (t) => {
    const { program, address, publish } = await start(t, `ulimit -n 256; $zocalo serve${flags}`, await cli());
    await program.says(/"connections":100000,"openFiles":256,"room":128,"msg":"limits\.connections is more/, 'stderr');
    const silent = await Promise.all(Array.from({ length: 400 }, () => connectTo(address)));
    t.after(() => silent.map((socket) => socket.destroy()));
    await publish();
    for (const path of ['/metrics', '/health', '/api/whoami']) assert.equal((await fetch(address + path)).status, 200);
    assert.match(await (await fetch(`${address}/metrics`)).text(), /refused_total\{reason="open_files"\} \d/);
    assert.equal(await program.stop('SIGTERM'), 0);
    assert.match(program.stderr, /"msg":"stopped"/);
  });

  test(`when no more files can be opened, open connections continue, and everything works again later, ${name}`, {
    skip: missing('prlimit'),
  }, async (t) => {
    const { program, address, publish } = await start(t, `$zocalo serve${flags}`, await cli());
    const pid = flags === '' ? program.child.pid : workerOf(program.child.pid!);
    const limit = (files: number | string) => execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${files}:20000`]);
    const ask = talkerTo(t, address);
    assert.equal((await ask('/health')).status, 200);
    limit(5);
    // The log's first lines, a metric that takes a file, and the API's first call.
    for (const path of ['/metrics', '/health', '/api/openapi.json', '/metrics'])
      assert.equal((await ask(path)).status, 200, path);
    assert.equal((await ask('/zocalo.js')).status, 500);
    await program.says(/"msg":"something failed in the server"/, 'stderr');
    process.kill(pid!, 'SIGHUP');
    await program.says(/the configuration was not applied/, 'stderr');
    limit(20_000);
    assert.equal((await ask('/zocalo.js')).status, 200);
    await publish();
    process.kill(pid!, 'SIGHUP');
    await program.says(/the configuration was reloaded/, 'stderr');
    limit(5);
    assert.equal(await program.stop('SIGTERM'), 0);
    assert.match(program.stderr, /"msg":"stopped"/);
    assert.doesNotMatch(program.stderr, /supervisor: the worker/);
  });

  test(`it works without /proc, ${name}`, { skip: cannotUnshare() }, async (t) => {
    const line = `exec unshare --mount sh -c "mount -t tmpfs none /proc && $zocalo serve${flags}"`;
    const { program, address, publish } = await start(t, line, await cli(), true);
    await publish();
    const ask = talkerTo(t, address);
    const { body } = await ask('/metrics');
    assert.doesNotMatch(body, /process_resident_memory_bytes/);
    assert.match(body, /^process_cpu_seconds_total /m);
    // A sample is taken each second, and reading the memory for it fails each time.
    for (let taken = 0; taken < 2; ) {
      const response = await fetch(`${address}/admin/session`, { method: 'POST', headers: KEY });
      taken = ((await response.json()) as { samples: unknown[] }).samples.length;
    }
    assert.equal(await program.stop('SIGTERM'), 0);
  });
}

function workerOf(supervisor: number): number {
  const [worker] = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8').trim().split(' ');
  return Number(worker);
}

function cannotUnshare(): string | false {
  const line = 'unshare --mount sh -c "mount -t tmpfs none /proc"';
  return spawnSync('sh', ['-c', line]).status === 0 ? false : 'needs the right to make a mount namespace';
}
