import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listen } from '../../src/stream/index.ts';
import { makeCertificate } from '../support/certificate.ts';
import { zocalo } from '../support/cli.ts';
import { missing } from '../support/need.ts';

async function fails(args: string[], exit: number, line: RegExp): Promise<void> {
  const program = zocalo(...args);
  assert.equal(await program.exited, exit, program.stderr);
  assert.match(program.stderr, /^[A-Z_]+: [^\n]+\n$/);
  assert.match(program.stderr, line);
  assert.equal(program.stdout, '');
}

test('--help shows the commands, examples, and at its end the exit codes', async () => {
  const program = zocalo('--help');
  assert.equal(await program.exited, 0);
  assert.match(
    program.stdout,
    /serve[\s\S]*listen[\s\S]*connect[\s\S]*Examples:[\s\S]*Exit codes:\n {2}0 {2}done\n[\s\S]*COMPRESSION_FAILED\n {2}10 {2}the server refused\n {2}11 {2}the log cannot be used .*LOG_FAILED\n$/,
  );
});

for (const command of ['listen', 'connect']) {
  test(`${command} --help shows examples`, async () => {
    const program = zocalo(command, '--help');
    assert.equal(await program.exited, 0);
    assert.match(program.stdout, new RegExp(`Examples:\n {2}zocalo ${command} `));
  });
}

const USAGE: [string[], RegExp][] = [
  [['conect'], /^BAD_OPTION: unknown command 'conect'/],
  [['listen'], /^BAD_OPTION: missing required argument 'url'/],
  [['listen', '--nonsense', 'tcp://127.0.0.1:0'], /^BAD_OPTION: unknown option '--nonsense'/],
  [['listen', '127.0.0.1:1337'], /^BAD_ADDRESS: "127\.0\.0\.1:1337" has no scheme; write it as tcp:/],
  [['connect', 'gopher://host:70'], /^UNKNOWN_SCHEME: .*use one of tcp, tls, udp, unix, ws, wss/],
  [['connect', 'tcp://127.0.0.1:1', '--wait', 'long'], /^BAD_OPTION: .*number of seconds/],
  [
    ['listen', 'tls://127.0.0.1:0', '--cert', join(tmpdir(), 'no such file')],
    /^BAD_OPTION: the file of --cert, .*ENOENT/,
  ],
];
for (const [args, line] of USAGE) {
  test(`zocalo ${args.join(' ').slice(0, 60)} is one line on stderr, and the exit code is 2`, () =>
    fails(args, 2, line));
}

test('a pattern is not subscribed to from the newest messages or a position on, and the exit code is 2', async () => {
  await fails(['subscribe', 'log:*', '--recent', '5'], 2, /log:\* is a pattern.* leave out --recent, or name the/);
  await fails(['subscribe', 'log:*', '--since', 'e:1'], 2, /leave out --since/);
});

test('a taken port is one line with the address, and the exit code is 3', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  await fails(
    ['listen', server.addresses[0]!, '--echo'],
    3,
    new RegExp(`^ADDRESS_IN_USE: ${server.addresses[0]} is taken`),
  );
  await server.close();
});

test('a port where nobody listens, over TCP and as a WebSocket, is one line with the address, and the exit code is 4', async () => {
  const server = await listen('tcp://127.0.0.1:0');
  await server.close();
  const [address] = server.addresses;
  await fails(['connect', address!], 4, new RegExp(`^CONNECTION_REFUSED: ${address} refused`));
  await fails(['connect', address!.replace('tcp', 'ws')], 4, /^CONNECTION_REFUSED: ws:/);
});

test('a host that does not exist is one line with the address, and the exit code is 4', () =>
  fails(
    ['connect', 'tcp://nobody.invalid:80'],
    4,
    /^UNKNOWN_HOST: the host of tcp:\/\/nobody\.invalid:80|^UNKNOWN_HOST: .*nobody\.invalid/,
  ));

test('a missing socket file is one line with the path, and the exit code is 3', () =>
  fails(['connect', 'unix:///nowhere/at.all'], 3, /^NO_SUCH_PATH: unix:\/\/\/nowhere\/at\.all/));

test('a silent TLS server is TIMEOUT in one line, and the exit code is 6', async () => {
  const silent = await listen('tcp://127.0.0.1:0');
  await fails(
    ['connect', silent.addresses[0]!.replace('tcp', 'tls'), '--timeout', '0.01'],
    6,
    /^TIMEOUT: tls:.*in 10 ms/,
  );
  await silent.close({ grace: 0 });
});

test('an untrusted certificate is one line, and the exit code is 7', { skip: missing('openssl') }, async () => {
  const server = await listen('tls://127.0.0.1:0', makeCertificate());
  await fails(['connect', server.addresses[0]!], 7, /^CERTIFICATE_NOT_TRUSTED: the certificate of tls:/);
  await server.close({ grace: 0 });
});

test('a lost connection is one line, and the exit code is 5', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const program = zocalo('connect', `tcp://127.0.0.1:${port}`);
  const [socket] = await once(server, 'connection');
  socket.write('x');
  // Once it is being read: a reset that comes before may be taken for an end.
  await program.says(/x/);
  socket.resetAndDestroy();
  assert.equal(await program.exited, 5);
  assert.match(
    program.stderr,
    new RegExp(`^CONNECTION_RESET: the connection with tcp://127\\.0\\.0\\.1:${port} was cut; [^\n]+\n$`),
  );
  server.close();
});
