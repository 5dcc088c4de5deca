import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Program, zocaloIn } from '../../support/cli.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const ROOM = new URL('../../../src/cli/supervision/index.ts', import.meta.url).href;

/** A supervisor in a process of its own, whose worker tells its number on standard error. */
function supervisor(t: TestContext, worker: string, options: object = {}) {
  const folder = temporaryFolder(t);
  const preload = join(folder, 'preload.mjs');
  const script = join(folder, 'worker.mjs');
  const main = join(folder, 'supervisor.mjs');
  const errorLog = join(folder, 'errors.log');
  writeFileSync(preload, `console.error('worker ' + process.pid + '.');`);
  writeFileSync(script, `import * as supervision from '${ROOM}';\n${worker}`);
  const command = [process.execPath, '--import', preload, script];
  writeFileSync(
    main,
    `import { supervise } from '${ROOM}';
     process.exit(await supervise(${JSON.stringify({ command, errorLog, backoff: 1, ...options })}));`,
  );
  const program = new Program(process.execPath, [main], { cwd: folder });
  const pids = () => [...program.stderr.matchAll(/worker (\d+)\./g)].map((match) => Number(match[1]));
  t.after(() => {
    program.child.kill('SIGKILL');
    for (const pid of pids()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return { program, errors: () => readFileSync(errorLog, 'utf8') };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('after kill -9 of `zocalo serve` another one listens on the same port', async (t) => {
  const folder = temporaryFolder(t);
  const preload = join(folder, 'preload.mjs');
  // But for the short-lived one that reads the configuration.
  const isReader = 'process.argv[1].includes("config-reader")';
  writeFileSync(preload, `${isReader} || console.error('process ' + process.pid + '.');`);
  const port = await freePort();
  const args = ['serve', '--supervise', '--error-log', 'errors.log', '--port', String(port), '--store', 'memory:'];
  const program = zocaloIn(folder, args, { NODE_OPTIONS: `--import ${preload}` });
  const pids = () => [...program.stderr.matchAll(/process (\d+)\./g)].map((match) => Number(match[1]));
  t.after(() => {
    for (const pid of pids()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  const page = () => fetch(`http://127.0.0.1:${port}/`).then(({ status }) => status);
  await program.says(/open at/);
  assert.equal(await page(), 200);
  process.kill(pids()[1]!, 'SIGKILL');
  await program.says(/open at.*open at/s);
  assert.equal(await page(), 200);
  assert.equal(pids().length, 3);
  program.child.kill('SIGKILL');
  await program.exited; // when its last worker has closed the standard output that both have
  await assert.rejects(page(), TypeError); // the port is free
  assert.match(readFileSync(join(folder, 'errors.log'), 'utf8'), /the worker was ended by SIGKILL/);
});

test('`zocalo serve --supervise` ends as its worker does', async (t) => {
  const folder = temporaryFolder(t);
  const wrong = zocaloIn(folder, ['serve', '--supervise', '--store', 'cloud:9']);
  assert.equal(await wrong.exited, 2);
  assert.match(wrong.stderr, /^BAD_CONFIG: [^\n]*store.*\nsupervisor: .*given up: a wrong configuration/s);
  const right = zocaloIn(folder, ['serve', '--supervise', '--port', '0', '--store', 'memory:']);
  await right.says(/open at/);
  assert.equal(await right.stop('SIGTERM'), 0);
});

test('the last output of a worker is on standard error and in the error log', async (t) => {
  const { program, errors } = supervisor(t, `throw new Error('¡adiós!');`, { attempts: 2 });
  assert.equal(await program.exited, 1);
  assert.match(program.stderr, /Error: ¡adiós!/);
  assert.match(errors(), / {2}\| Error: ¡adiós!/);
});

test('signals reach the worker, which ends in its own time', async (t) => {
  const { program } = supervisor(
    t,
    `process.on('SIGHUP', () => console.error('reloaded'));
     process.on('SIGTERM', () => setImmediate(() => process.exit(5)));
     setInterval(() => {}, 1000);
     supervision.announceDrain(10_000);
     console.error('ready');`,
  );
  await program.says(/ready/, 'stderr');
  program.child.kill('SIGHUP');
  await program.says(/reloaded/, 'stderr');
  assert.equal(await program.stop('SIGTERM'), 5);
});

test('SIGHUP waits for a starting worker, which it would end', async (t) => {
  const { program } = supervisor(
    t,
    `setInterval(() => {}, 1000);
     process.on('SIGUSR2', () => {
       process.on('SIGHUP', () => console.error('reloaded'));
       supervision.announceDrain(10_000);
     });
     console.error('young');`,
  );
  await program.says(/young/, 'stderr');
  program.child.kill('SIGHUP');
  const [, pid] = /worker (\d+)\./.exec(program.stderr)!;
  process.kill(Number(pid), 'SIGUSR2');
  await program.says(/reloaded/, 'stderr');
  assert.doesNotMatch(program.stderr, /was ended by/);
  await program.stop('SIGTERM');
});

test('a worker has the time that it announced, and is killed afterwards', async (t) => {
  const { program } = supervisor(
    t,
    `process.on('SIGTERM', () => {});
     setInterval(() => {}, 1000);
     supervision.announceDrain(-4_900);
     console.error('ready');`,
  );
  await program.says(/ready/, 'stderr');
  assert.equal(await program.stop('SIGTERM'), 137);
  assert.match(program.stderr, /did not end within 0\.1 s of SIGTERM; it is killed/);
});

test('a worker notices that its supervisor was killed, and frees the port', async (t) => {
  const { program } = supervisor(
    t,
    `const keep = setInterval(() => {}, 1000);
     supervision.supervisorGone().then(() => { console.log('alone'); process.exit(); });
     console.error('ready');`,
  );
  await program.says(/ready/, 'stderr');
  program.child.kill('SIGKILL');
  await program.says(/alone/); // on the standard output that both have
  await program.exited;
});

test('a supervisor loads no package, and stays small', async (t) => {
  const folder = temporaryFolder(t);
  const main = join(folder, 'main.mjs');
  writeFileSync(
    main,
    `import { registerHooks } from 'node:module';
     const loaded = [];
     registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
     await import('${ROOM}');
     console.log(loaded.join('\\n'));`,
  );
  const program = new Program(process.execPath, [main]);
  assert.equal(await program.exited, 0);
  assert.match(program.stdout, /supervision\/supervisor\.ts/);
  assert.doesNotMatch(program.stdout, /node_modules/);
});
