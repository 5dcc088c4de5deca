import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/clock.ts';
import { isAlive, script } from '../../programs/set-up.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { missing } from '../../support/need.ts';
import { take } from '../../support/recorder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { all, startEach } from './each-server.ts';

const bash = (text: string) => ['bash', '-c', text];
const GREET = 'while read -r line; do echo "Hello $line!"; done';

test('a program that counts and ends: its lines are messages, and the end closes with 1000', async (t) => {
  const { server, join } = await startEach(t, [
    script(t, '#!/bin/bash\nfor ((i = 1; i <= 5; i++)); do echo $i; done\n'),
  ]);
  const client = await join();
  assert.deepEqual(await all(client), ['1', '2', '3', '4', '5']);
  assert.equal((await client.closed).code, 1000);
  await until(() => server.forks === 0, 'the process is gone');
});

const GREETERS = {
  bash: bash(GREET),
  python3: ['python3', '-c', 'import sys\nfor line in sys.stdin: print(f"Hello {line.strip()}!", flush=True)'],
  php: ['php', '-r', 'while (($line = fgets(STDIN)) !== false) { echo "Hello ", trim($line), "!\n"; }'],
};
for (const [language, command] of Object.entries(GREETERS))
  test(`a program in ${language} answers each message with a line`, { skip: missing(language) }, async (t) => {
    const { join } = await startEach(t, command);
    const client = await join();
    client.send('Ana');
    client.send(Buffer.from('Zoë'));
    assert.deepEqual(await take(client, 2), ['Hello Ana!', 'Hello Zoë!']);
  });

test('a program knows the connection by the names of the Common Gateway Interface', async (t) => {
  const { url, join } = await startEach(t, ['/usr/bin/env'], { passEnv: ['PATH'] });
  const client = await join('/a%20b/c?x=1&y=%20', {
    'X-Custom': 'one',
    Cookie: 'a=1; b=2',
    Proxy: 'http://evil.example',
    Origin: url.replace('ws', 'http'),
  });
  const variables = new Map(
    (await all(client)).map((line) => String(line).split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const port = new URL(url).port;
  const expected = {
    SERVER_SOFTWARE: 'zocalo/1.2.3',
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_NAME: '127.0.0.1',
    SERVER_PORT: port,
    REQUEST_METHOD: 'GET',
    REQUEST_URI: '/a%20b/c?x=1&y=%20',
    SCRIPT_NAME: '/',
    PATH_INFO: '/a b/c',
    PATH_TRANSLATED: '/a b/c',
    QUERY_STRING: 'x=1&y=%20',
    REMOTE_ADDR: '127.0.0.1',
    REMOTE_HOST: '127.0.0.1',
    AUTH_TYPE: '',
    CONTENT_LENGTH: '',
    CONTENT_TYPE: '',
    REMOTE_IDENT: '',
    REMOTE_USER: '',
    HTTP_HOST: `127.0.0.1:${port}`,
    HTTP_X_CUSTOM: 'one',
    HTTP_COOKIE: 'a=1; b=2',
    HTTP_UPGRADE: 'websocket',
    PATH: process.env.PATH!,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(variables.get(name), value, name);
  assert.match(variables.get('REMOTE_PORT')!, /^\d+$/);
  assert.match(variables.get('UNIQUE_ID')!, /^[\w-]{10,}$/);
  for (const name of ['HTTPS', 'HTTP_PROXY', 'HOME', 'ZOCALO_CHANNEL'])
    assert.equal(variables.get(name), undefined, name);
});

test('nothing of a message or a handshake reaches a shell', async (t) => {
  const { join } = await startEach(t, bash('echo "$QUERY_STRING"; read -r line; echo "$line"'));
  const evil = '$(touch$IFS.evil);`id`|cat&';
  const client = await join(`/?${evil}`);
  client.send(evil);
  assert.deepEqual(await all(client), [evil, evil]);
});

test('a program that fails closes its connection with 1011, and the log has its last lines', async (t) => {
  const { log, join } = await startEach(t, bash('echo out; echo "no database" >&2; exit 3'));
  const client = await join();
  assert.deepEqual(await all(client), ['out']);
  const { code, reason } = await client.closed;
  assert.deepEqual([code, reason], [1011, 'the program ended with exit code 3']);
  const failed = log.lines.find(({ sentence }) => sentence === 'a program failed')!;
  assert.deepEqual(
    [failed.fields.exitCode, failed.fields.address, failed.fields.lastLines],
    [3, '127.0.0.1', ['no database']],
  );
  assert.ok(!log.lines.some(({ sentence }) => sentence === 'no database'));
});

test('a missing program is reported at once, and one that cannot be started closes its connection', async (t) => {
  await assert.rejects(startEach(t, ['no-such-program-here']), { code: 'PROGRAM_NOT_FOUND' });
  const { log, join } = await startEach(t, [script(t, '#!/bin/sh\n', 0o644)]);
  const client = await join();
  assert.equal((await client.closed).code, 1011);
  assert.equal((log.lines[0]!.fields.err as { code: string }).code, 'PROGRAM_NOT_EXECUTABLE');
});

test('beyond the limit of processes a connection is refused with 503, until one is free', async (t) => {
  const { server, join } = await startEach(t, bash(GREET), { maxForks: 2 });
  const [first] = [await join(), await join()];
  await assert.rejects(join(), {
    code: 'HANDSHAKE_FAILED',
    message: /503.*2 programs are running, which is the limit/s,
  });
  await first!.close();
  await until(() => server.forks === 1, 'one process is gone');
  const next = await join();
  next.send('again');
  assert.deepEqual(await take(next, 1), ['Hello again!']);
});

test('fifty connections at once have a process each, and none is left when they go in whatever way', async (t) => {
  const { server, join } = await startEach(
    t,
    bash(`trap '' INT; echo $$; ${GREET}; exec 1>&- 2>&-; while :; do sleep 0.1; done`),
  );
  const clients = await Promise.all(Array.from({ length: 50 }, () => join()));
  const pids = await Promise.all(
    clients.map(async (client, at) => {
      client.send(`user ${at}`);
      const [pid, hello] = await take(client, 2);
      assert.equal(hello, `Hello user ${at}!`);
      return Number(pid);
    }),
  );
  assert.equal(new Set(pids).size, 50);
  assert.equal(server.forks, 50);
  for (const [at, client] of clients.entries())
    if (at % 2 === 0) client.terminate();
    else void client.close();
  await until(() => server.forks === 0, 'all are gone');
  for (const pid of pids) await until(() => !isAlive(-pid), 'its group is gone');
});

test('a client that does not read makes its program wait, and gets everything in the end', async (t) => {
  const { server, join } = await startEach(
    t,
    bash('for i in {1..40}; do head -c 1000000 /dev/zero | tr "\\0" x; echo; done; echo end'),
    {
      server: { compression: false },
    },
  );
  const client = await join();
  client.pause();
  const [user] = server.users;
  await until(() => user!.bufferedAmount > 64 * 1024, 'it waits');
  const before = user!.bufferedAmount;
  await new Promise<void>((resolve) => systemClock.after(300, resolve));
  assert.ok(user!.bufferedAmount < 4 * 1024 * 1024, String(user!.bufferedAmount));
  assert.ok(before < 4 * 1024 * 1024);
  client.resume();
  const messages = await all(client);
  assert.equal(messages.length, 41);
  assert.equal(messages.at(-1), 'end');
});

test('a program that does not read makes its client wait, and gets everything in the end', async (t) => {
  const gate = join(temporaryFolder(t), 'gate');
  const waiting = `until [ -e ${gate} ]; do sleep 0.05; done; head -c 12000000 | wc -c`;
  const { server, join: enter } = await startEach(t, bash(waiting), { server: { compression: false } });
  const client = await enter();
  for (let at = 0; at < 12; at++) client.send('x'.repeat(999_999));
  const [user] = server.users;
  let received = -1;
  await until(async () => {
    const before = received;
    await new Promise<void>((resolve) => systemClock.after(100, resolve));
    received = user!.bytesReceived;
    return received > 1_000_000 && before === received;
  }, 'nothing more is read');
  assert.ok(received < 6_000_000, String(received));
  writeFileSync(gate, '');
  assert.deepEqual(
    (await all(client)).map((line) => String(line).trim()),
    ['12000000'],
  );
  assert.equal((await client.closed).code, 1000);
});

test('with binary, bytes go both ways as they are', async (t) => {
  const { join } = await startEach(t, ['cat'], { binary: true });
  const client = await join();
  const bytes = Buffer.from([0, 255, 10, 13, 128]);
  client.send(bytes);
  client.send('text');
  let got = Buffer.alloc(0);
  for await (const message of client) {
    got = Buffer.concat([got, message as Buffer]);
    if (got.length === bytes.length + 4) break;
  }
  assert.deepEqual(got, Buffer.concat([bytes, Buffer.from('text')]));
});

test('the end of the server leaves no process', async (t) => {
  const { server, join } = await startEach(t, bash('trap "" INT TERM; echo $$; while :; do sleep 0.1; done'));
  const client = await join();
  const [pid] = await take(client, 1);
  await server.close({ grace: 100 });
  assert.equal((await client.closed).code, 1001);
  await until(() => !isAlive(-Number(pid)), 'it is gone');
  assert.equal(server.forks, 0);
});

test('what all programs together print as errors, and how they end, cannot fill the log', async (t) => {
  const flood = 'i=0; while [ $((i += 1)) -le 150 ]; do echo "oops $i" >&2; done; exit 3';
  const { log, join } = await startEach(t, ['sh', '-c', flood], { clock: new FakeClock() });
  for (let i = 0; i < 12; i++) await (await join()).closed;
  const lines = log.lines.filter(({ sentence }) => sentence.startsWith('oops'));
  const ends = log.lines.filter(({ sentence }) => sentence === 'a program failed');
  assert.deepEqual([lines.length, ends.length], [200, 10]);
});
