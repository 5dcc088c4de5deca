import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as plainTest, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Program, zocalo, zocaloIn } from '../support/cli.ts';
import { missing } from '../support/need.ts';
import { RawClient } from '../support/raw-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const test = (name: string, body: (t: TestContext) => Promise<void>) => plainTest(name, { skip: missing('php') }, body);

const CHAT = fileURLToPath(new URL('../../examples/php/SalaChatServer.php', import.meta.url));

function run(t: TestContext, ...args: string[]): Program {
  const program = zocalo('run', ...args);
  t.after(() => program.stop('SIGKILL'));
  return program;
}

/** Where it is open. */
async function addressOf(program: Program): Promise<string> {
  return (await program.says(/Zócalo is open at (\S+)/))[1]!;
}

test('zocalo run serves the tutorial’s chat, prints where, and ends with its program', async (t) => {
  const program = run(t, '--listen', 'ws://127.0.0.1:0', 'php', CHAT);
  const url = await addressOf(program);
  await program.says(/new WebSocket\('ws:\/\/127\.0\.0\.1:\d+'\)/);
  const socket = new WebSocket(url);
  const got: string[] = [];
  socket.addEventListener('message', ({ data }) => got.push(data));
  await until(() => got.length === 1, 'it greets');
  socket.send('hola');
  await until(() => got.length === 2, 'it answers');
  assert.deepEqual(got, ['Welcome, guest 1. 1 here.', 'guest 1: hola']);
  let code = 0;
  socket.addEventListener('close', (event) => {
    code = event.code;
  });
  assert.equal(await program.stop('SIGTERM'), 0);
  await until(() => code !== 0, 'the client hears of it');
  assert.equal(code, 1001);
});

test('the program’s own words need no --, and those after it are the program’s', async (t) => {
  const file = join(temporaryFolder(t), 'args.php');
  writeFileSync(file, '<?php fwrite(STDERR, implode(" ", array_slice($argv, 1)) . "\n"); exit(1);');
  for (const args of [
    ['php', file, '--listen', 'x', '--watch'],
    ['--', 'php', file, '--listen', 'x', '--watch'],
  ]) {
    const program = run(t, ...args);
    assert.equal(await program.exited, 1);
    assert.match(program.stderr, /PROGRAM_ENDED: .* ended with exit code 1 .*; it said: --listen x --watch\n$/);
    assert.doesNotMatch(program.stderr, /started again/);
  }
});

test('a mistake of the command ends it with a sentence and its code', async (t) => {
  const missingFile = run(t, '--log-level', 'silent', 'php', 'missing.php');
  assert.equal(await missingFile.exited, 1);
  assert.match(
    missingFile.stderr,
    /^PROGRAM_ENDED: the program php missing\.php .*Could not open input file: missing\.php\n$/,
  );
  const noProgram = run(t, '--log-level', 'silent', 'no-such-program');
  assert.equal(await noProgram.exited, 2);
  assert.match(noProgram.stderr, /^PROGRAM_NOT_FOUND: the program no-such-program was not found; .*\n$/);
  const nothing = run(t);
  assert.equal(await nothing.exited, 2);
  const badOrigin = run(t, '--origins', 'example', '--listen', 'ws://127.0.0.1:0', 'php', CHAT);
  assert.equal(await badOrigin.exited, 2);
  assert.match(badOrigin.stderr, /BAD_OPTION: the option origins has "example"/);
});

test('a page that may not connect is in the log, with the option that allows it', async (t) => {
  const program = run(t, '--listen', 'ws://127.0.0.1:0', 'php', CHAT);
  const url = await addressOf(program);
  const refused = await RawClient.open(url, { fields: { Origin: 'null' } });
  assert.match(refused.head.line, /403/);
  await program.says(/Pages of null may not connect.*: add --origins same,null \(pages opened as files\)/, 'stderr');
});

test('SIGHUP starts the program again, and nobody is disconnected', async (t) => {
  const program = run(t, '--listen', 'ws://127.0.0.1:0', 'php', CHAT);
  const socket = new WebSocket(await addressOf(program));
  const got: string[] = [];
  socket.addEventListener('message', ({ data }) => got.push(data));
  await until(() => got.length === 1, 'it greets');
  socket.send('/name ana');
  await until(() => got.length === 2, 'it knows the name');
  program.child.kill('SIGHUP');
  await until(async () => {
    socket.send('who am I');
    await new Promise((resolve) => setTimeout(resolve, 50));
    return got.at(-1) === 'guest 1: who am I';
  }, 'the new process has forgotten the name');
  assert.equal(socket.readyState, WebSocket.OPEN);
});

test('kill -9 of zocalo leaves no program behind', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'room.php'), `<?php fwrite(STDERR, 'pid ' . getmypid() . "\\n"); require '${CHAT}';`);
  const program = zocaloIn(folder, ['run', '--listen', 'ws://127.0.0.1:0', 'php', 'room.php']);
  await addressOf(program);
  const [, pid] = await program.says(/pid (\d+)/, 'stderr');
  await program.stop('SIGKILL');
  await until(() => {
    try {
      process.kill(Number(pid), 0);
      return false;
    } catch {
      return true;
    }
  }, 'the PHP process is gone');
});

test('php SalaChatServer.php alone says how to start it', async () => {
  const program = new Program('php', [CHAT]);
  assert.equal(await program.exited, 2);
  assert.match(program.stderr, /start it with zocalo run php SalaChatServer\.php\n$/);
});

plainTest('zocalo run --each starts a process for each connection', { skip: missing('bash') }, async (t) => {
  const script = 'while read -r line; do echo "$$ $line"; done';
  const program = run(t, '--each', '--listen', 'ws://127.0.0.1:0', '--', 'bash', '-c', script);
  const url = await addressOf(program);
  const answers = [1, 2].map(async (number) => {
    const socket = new WebSocket(url);
    let got = '';
    socket.addEventListener('message', ({ data }) => {
      got = data;
    });
    socket.addEventListener('open', () => socket.send(`I am ${number}`));
    await until(() => got !== '', 'it answers');
    return got.split(/ (.*)/);
  });
  const [[onePid, one], [twoPid, two]] = (await Promise.all(answers)) as [[string, string], [string, string]];
  assert.deepEqual([one, two], ['I am 1', 'I am 2']);
  assert.notEqual(onePid, twoPid);
  assert.equal(await program.stop('SIGINT'), 0);
});

plainTest('an option that only the other form of zocalo run has is refused by its name', async (t) => {
  const each = run(t, '--each', '--when-full', 'answer', 'cat');
  assert.equal(await each.exited, 2);
  assert.match(each.stderr, /^BAD_OPTION: --when-full is for one program that all connections share; .*\n$/);
  const shared = run(t, '--max-forks', '3', 'cat');
  assert.equal(await shared.exited, 2);
  assert.match(shared.stderr, /^BAD_OPTION: --max-forks is for --each alone; leave it out, or add --each\n$/);
});
