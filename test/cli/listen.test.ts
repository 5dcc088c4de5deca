import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from '../../src/stream/index.ts';
import { CLI, Program, zocaloListen } from '../support/cli.ts';
import { missing } from '../support/need.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('--echo sends every byte back, to 50 clients at once, one of which never reads', async () => {
  const { program, addresses } = await zocaloListen('tcp://127.0.0.1:0', '--echo');
  const deaf = await connect(addresses[0]!);
  deaf.write('x'.repeat(10_000_000), () => {});
  const ask = async (index: number) => {
    const socket = await connect(addresses[0]!);
    socket.end(`client ${index} `.repeat(10_000));
    return (await socket.text()) === `client ${index} `.repeat(10_000);
  };
  const right = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(index)));
  assert.ok(right.every(Boolean));
  deaf.destroy();
  assert.equal(await program.stop('SIGINT'), 0);
});

test('real nc gets its line back, on either loopback of localhost', { skip: missing('nc') }, async () => {
  const { program, addresses } = await zocaloListen('tcp://localhost:0', '--echo');
  for (const address of addresses) {
    const [, host, port] = /\/\/\[?(.*?)\]?:(\d+)$/.exec(address)!;
    const nc = new Program('nc', ['-N', host!, port!]);
    nc.child.stdin.end('Hola que tal\n');
    assert.equal(await nc.exited, 0);
    assert.equal(nc.stdout, 'Hola que tal\n');
  }
  assert.equal(await program.stop(), 0);
});

test('real nc -u gets its datagram back', { skip: missing('nc') }, async () => {
  const { program, addresses } = await zocaloListen('udp://127.0.0.1:0', '--echo');
  const nc = new Program('nc', ['-u', '127.0.0.1', /\d+$/.exec(addresses[0]!)![0]]);
  nc.child.stdin.write('Hola que tal\n');
  await nc.says(/^Hola que tal\n$/);
  await nc.stop();
  assert.equal(await program.stop(), 0);
});

test('real nc -U talks to a Unix socket, whose file is removed afterwards', { skip: missing('nc') }, async (t) => {
  const directory = temporaryFolder(t);
  const { program } = await zocaloListen(`unix://${directory}/echo.sock`, '--echo');
  const nc = new Program('nc', ['-N', '-U', `${directory}/echo.sock`]);
  nc.child.stdin.end('Hola que tal\n');
  assert.equal(await nc.exited, 0);
  assert.equal(nc.stdout, 'Hola que tal\n');
  assert.equal(await program.stop(), 0);
});

test('without --echo, what arrives is printed, and the input goes to all clients', async () => {
  const { program, addresses } = await zocaloListen('tcp://127.0.0.1:0');
  const one = await connect(addresses[0]!);
  const two = await connect(addresses[0]!);
  one.write('from one\n');
  await program.says(/from one\n/);
  two.write('from two\n');
  await program.says(/from two\n/);
  program.child.stdin.end('to all\n');
  assert.equal(await one.text(), 'to all\n');
  assert.equal(await two.text(), 'to all\n');
  one.end();
  two.end();
  assert.equal(await program.stop('SIGINT'), 0);
});

test('a client that has ended its side still gets the piped input', async () => {
  const { program, addresses } = await zocaloListen('tcp://127.0.0.1:0', '--wait', '30');
  const client = await connect(addresses[0]!);
  client.end('question\n');
  await program.says(/question\n/);
  program.child.stdin.end('answer\n');
  assert.equal(await client.text(), 'answer\n');
  await program.stop();
});

test('an empty input disconnects nobody', async () => {
  const { program, addresses } = await zocaloListen('tcp://127.0.0.1:0');
  program.child.stdin.end();
  const client = await connect(addresses[0]!);
  for (const text of ['one\n', 'two\n']) {
    client.write(text);
    await program.says(new RegExp(text));
  }
  assert.equal(client.readableEnded, false);
  client.end();
  assert.equal(await client.text(), '');
  await program.stop();
});

test('a client that resets is one line on stderr, and the others continue', async () => {
  const { program, addresses } = await zocaloListen('tcp://127.0.0.1:0');
  const good = await connect(addresses[0]!);
  const port = Number(/\d+$/.exec(addresses[0]!)![0]);
  const reset = `const s = require('net').connect(${port}, '127.0.0.1', () => s.write('x'));
    process.stdin.once('data', () => s.resetAndDestroy())`;
  const bad = spawn(process.execPath, ['-e', reset]);
  // Once it is being read: a reset that comes before may be taken for an end.
  await program.says(/x/);
  bad.stdin.end('now');
  await program.says(/^CONNECTION_RESET: [^\n]+\n/m, 'stderr');
  good.write('still here\n');
  await program.says(/still here/);
  good.destroy();
  await program.stop();
});

test('at the limit of open files new connections are refused for a while, and the old ones continue', async () => {
  const command = `ulimit -n 64; exec '${process.execPath}' '${CLI}' listen tcp://127.0.0.1:0 --echo`;
  const program = new Program('sh', ['-c', command]);
  const [, address] = await program.says(/listening on (\S+)\n/, 'stderr');
  const old = await connect(address!);
  const echo = old.lines();
  old.write('before\n');
  assert.equal((await echo.next()).value, 'before');

  const many = await Promise.all(
    Array.from({ length: 100 }, () => connect(address!).catch((error) => assert.equal(error.code, 'CONNECTION_RESET'))),
  );
  const crowd = many.filter((socket) => socket !== undefined);
  const refused = Promise.race(crowd.map((socket) => once(socket.resume(), 'end').catch(() => {})));
  await refused;
  old.write('meanwhile\n');
  assert.equal((await echo.next()).value, 'meanwhile');

  for (const socket of crowd) socket.destroy();
  for (;;) {
    const late = await connect(address!);
    late.end('afterwards');
    if ((await late.text().catch(() => '')) === 'afterwards') break;
  }
  old.destroy();
  assert.equal(await program.stop(), 0);
  assert.match(program.stderr, /^listening on \S+\n$/);
});
