import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProgramOptions } from '../../src/programs/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { isAlive, newProgram, script } from './set-up.ts';

test('lines go to a program and come back, while its stdout and stderr go to the log', async (t) => {
  const echo = 'echo hello; echo oops >&2; while read -r line <&3; do echo "got $line" >&4; done';
  const { program, log, lines } = newProgram(t, ['bash', '-c', echo]);
  await program.start();
  program.send('one');
  program.send('dos ñ');
  await until(() => lines.length === 2, 'both lines came back');
  assert.deepEqual(lines, ['got one', 'got dos ñ']);
  await until(() => log.entries.length === 2, 'what it printed was logged');
  assert.deepEqual(log.entries.map(({ level, sentence }) => `${level} ${sentence}`).toSorted(), [
    'info hello',
    'warn oops',
  ]);
  assert.deepEqual(log.entries[0]!.fields, { program: 'example' });
});

test('the end of its channel ends a program that listens to it, with its exit code', async (t) => {
  const { program, ends } = newProgram(t, ['bash', '-c', 'while read -r line <&3; do :; done; exit 3']);
  await program.start();
  await program.stop();
  assert.equal(ends.length, 1);
  assert.deepEqual([ends[0]!.code, ends[0]!.signal, ends[0]!.wasStopped], [3, null, true]);
});

test('ten thousand lines each way arrive whole and in order', async (t) => {
  const { program, lines } = newProgram(t, ['bash', '-c', 'exec cat <&3 >&4']);
  await program.start();
  const sent = Array.from({ length: 10_000 }, (_, at) => `["event",${at},"${'ñ'.repeat(at % 200)}"]`);
  for (const line of sent) program.send(line);
  await until(() => lines.length === sent.length, 'all lines came back');
  assert.deepEqual(lines, sent);
});

test('lines that are sent in one turn are written at once', async (t) => {
  const { program, lines } = newProgram(t, [
    'python3',
    '-c',
    'import os; os.write(4, b"%d\\n" % os.read(3, 65536).count(b"\\n"))',
  ]);
  await program.start();
  for (let at = 0; at < 100; at++) program.send('x');
  await until(() => lines.length === 1, 'the program has told of its first read');
  assert.equal(lines[0], '100');
});

test('a program that does not read is reported while much is queued', async (t) => {
  const { program, lines } = newProgram(t, ['bash', '-c', 'read -r go <&3; cat <&3 >/dev/null; echo done >&4']);
  await program.start();
  const chunk = 'x'.repeat(100_000);
  let sent = 0;
  while (program.send(chunk)) sent++;
  assert.ok(sent >= 8 && sent < 20, String(sent));
  const drained = program.drained();
  await drained; // the first line let it go on
  assert.ok(program.send('y'));
  await program.stop();
  assert.deepEqual(lines, ['done']);
});

test('a line longer than the limit ends the program, whether it has an end or not', async (t) => {
  for (const text of ['"x" * 2000 + "\\n"', '"x" * 2000']) {
    const code = `import os, time; os.write(4, (${text}).encode()); time.sleep(60)`;
    const { program, log, lines, ends } = newProgram(t, ['python3', '-c', code], { maxLine: 1000 });
    await program.start();
    await program.ended;
    assert.deepEqual(log.codes, ['PROGRAM_LINE_TOO_LONG']);
    assert.deepEqual(
      [ends[0]!.signal, ends[0]!.reason?.code, ends[0]!.wasStopped],
      ['SIGKILL', 'PROGRAM_LINE_TOO_LONG', false],
    );
    assert.deepEqual(lines, []);
  }
});

test('garbage on the channel is passed on as lines, whatever its bytes', async (t) => {
  const { program, lines } = newProgram(t, ['bash', '-c', "printf '\\377\\000{\\r\\n\\n[1' >&4"]);
  await program.start();
  await program.ended;
  assert.deepEqual(lines, ['\ufffd\0{', '', '[1']);
});

test('a program that is missing, or whose folder or interpreter is, cannot be started', async (t) => {
  const cases = [
    [
      newProgram(t, ['no-such-program-here', 'x']),
      /the program no-such-program-here was not found; check its name and PATH/,
    ],
    [
      newProgram(t, ['true'], { cwd: '/no/such/folder' }),
      /cannot be started in \/no\/such\/folder, which does not exist/,
    ],
    [
      newProgram(t, [script(t, '#!/usr/bin/no-such-interpreter\n')]),
      /the interpreter in the first line of \S+ was not found/,
    ],
  ] as const;
  for (const [{ program, ends }, message] of cases) {
    await assert.rejects(program.start(), { code: 'PROGRAM_NOT_FOUND', message });
    await program.ended;
    assert.deepEqual(ends, []);
  }
});

test('a file that is not executable, or a folder, cannot be started', async (t) => {
  for (const path of [script(t, '#!/bin/sh\n', 0o644), temporaryFolder(t)])
    await assert.rejects(newProgram(t, [path]).program.start(), {
      code: 'PROGRAM_NOT_EXECUTABLE',
      message: /is not executable; allow it with chmod \+x/,
    });
});

test('a program that the system refuses to start is reported with the reason', async (t) => {
  const tooMuch = newProgram(t, ['true', 'x'.repeat(4 * 1024 * 1024)]);
  await assert.rejects(tooMuch.program.start(), { code: 'PROGRAM_FAILED_TO_START', message: /E2BIG/ });
});

test('nothing goes through a shell: words and environment arrive as they are', async (t) => {
  const evil = '$(touch evil); `id` | cat > evil & "x" \'y\' *';
  const { program, ends } = newProgram(
    t,
    ['python3', '-c', 'import os, sys; print(sys.argv[1]); print(os.environ["EVIL"])', evil],
    {
      env: { EVIL: `${evil}\nLD_PRELOAD=/evil` },
    },
  );
  await program.start();
  await program.ended;
  assert.deepEqual(ends[0]!.lastLines, [evil, `${evil} LD_PRELOAD=/evil`]);
});

test('a program inherits only the variables that it is given, where they are named', async (t) => {
  const { program, ends } = newProgram(t, ['/usr/bin/env'], {
    inherits: ['PATH', 'NO_SUCH_VARIABLE'],
    env: { X: '1' },
  });
  await program.start();
  await program.ended;
  const names = ends[0]!.lastLines.map((line) => line.split('=')[0]).toSorted();
  assert.deepEqual(names, ['PATH', 'SHLVL', 'X', 'ZOCALO_CHANNEL']);
});

test('a program does not inherit the settings and secrets of Zócalo itself, unless it is given them by name', async (t) => {
  process.env.ZOCALO_SECRET = 'of the daemon';
  process.env.ZOCALO_CHANNEL = 'fd:8,9'; // of a program that has started Zócalo
  t.after(() => {
    delete process.env.ZOCALO_SECRET;
    delete process.env.ZOCALO_CHANNEL;
  });
  const seen = async (options: Partial<ProgramOptions>) => {
    const { program, ends } = newProgram(
      t,
      ['sh', '-c', 'env | grep ^ZOCALO; [ -n "$HOME" ] && echo home || echo'],
      options,
    );
    await program.start();
    await program.ended;
    return ends[0]!.lastLines;
  };
  assert.deepEqual(await seen({}), ['ZOCALO_CHANNEL=fd:3,4', 'home']);
  assert.deepEqual(await seen({ channel: false }), ['home']);
  const named = { channel: false, inherits: ['PATH', 'ZOCALO_SECRET'] } as const;
  assert.deepEqual(await seen(named), ['ZOCALO_SECRET=of the daemon', '']);
});

test('a program that closes its channel and goes on is ended, and the log says why', async (t) => {
  const clock = new FakeClock();
  const { program, log, ends } = newProgram(t, ['bash', '-c', 'exec 3<&- 4>&-; trap "" INT TERM; sleep 60'], { clock });
  await program.start();
  await until(() => {
    clock.advance(100);
    return ends.length === 1;
  }, 'it was ended');
  assert.deepEqual(log.codes, ['PROGRAM_CLOSED_CHANNEL']);
  assert.deepEqual([ends[0]!.signal, ends[0]!.reason?.code], ['SIGKILL', 'PROGRAM_CLOSED_CHANNEL']);
});

test('a program that ends is not accused of having closed its channel', async (t) => {
  const { program, log, ends } = newProgram(t, ['bash', '-c', 'exec 4>&-; exit 7']);
  await program.start();
  await program.ended;
  assert.deepEqual([log.codes, ends[0]!.code, ends[0]!.reason], [[], 7, undefined]);
});

test('stopping asks with the end of the channel, then SIGINT, then SIGTERM, and then kills', async (t) => {
  const clock = new FakeClock();
  const deaf = `
import os, signal, time
signal.signal(signal.SIGINT, lambda *_: os.write(4, b"int\\n"))
signal.signal(signal.SIGTERM, lambda *_: os.write(4, b"term\\n"))
os.write(4, b"ready\\n")
while True: time.sleep(60)`;
  const { program, lines, ends } = newProgram(t, ['python3', '-c', deaf], { clock });
  const said = (word: string) => until(() => lines.includes(word), `it said ${word}`);
  await program.start();
  await said('ready');
  const stopped = program.stop(1000);
  assert.ok(!lines.includes('int'));
  clock.advance(100);
  await said('int');
  clock.advance(400);
  await said('term');
  assert.equal(ends.length, 0);
  clock.advance(500);
  await stopped;
  assert.equal(ends[0]!.signal, 'SIGKILL');
});

test('a program that forks and lingers is gone with all that it has started', async (t) => {
  const clock = new FakeClock();
  const lingering =
    '(trap "" INT TERM; while :; do sleep 0.1; done) & (exec >/dev/null 2>&1 3>&- 4>&-; trap "" TERM; sleep 60) & exit 5';
  const { program, ends } = newProgram(t, ['bash', '-c', lingering], { clock });
  await program.start();
  const pid = program.pid!;
  await until(() => {
    clock.advance(100);
    return ends.length === 1;
  }, 'its end was told');
  assert.equal(ends[0]!.code, 5);
  await until(() => !isAlive(-pid), 'nothing of its group is left');
});

test('a killed program takes its children along', async (t) => {
  const { program, log } = newProgram(t, ['bash', '-c', 'sleep 60 & echo $!; wait']);
  await program.start();
  await until(() => log.entries.length === 1, 'it said who its child is');
  const child = Number(log.entries[0]!.sentence);
  assert.ok(isAlive(child));
  await program.kill();
  await until(() => !isAlive(child), 'the child is gone');
});

test('a program that is stopped while it starts does not stay', async (t) => {
  const { program } = newProgram(t, ['sleep', '60']);
  const started = program.start().catch(() => {});
  await program.stop(0);
  await started;
  assert.ok(program.pid === undefined || !isAlive(-program.pid));
  assert.ok(!program.isRunning);
});

test('the last twenty lines are kept for its end, and a flood of them does not fill the log', async (t) => {
  const { program, log, ends } = newProgram(t, ['bash', '-c', 'for i in {1..5000}; do echo "line $i"; done; exit 1'], {
    clock: new FakeClock(),
  });
  await program.start();
  await program.ended;
  assert.deepEqual(
    [ends[0]!.lastLines.length, ends[0]!.lastLines[0], ends[0]!.lastLines.at(-1)],
    [20, 'line 4981', 'line 5000'],
  );
  assert.equal(log.entries.length, 100);
});

test('what a program prints without a newline is logged in pieces', async (t) => {
  const { program, ends } = newProgram(t, ['python3', '-c', 'print("x" * 100_000, end="")']);
  await program.start();
  await program.ended;
  const { lastLines } = ends[0]!;
  assert.equal(lastLines.join(''), 'x'.repeat(100_000));
  assert.ok(lastLines.every((line) => line.length <= 8192));
});

test('its stdin is empty, unless it is asked for; then lines and bytes go there', async (t) => {
  const empty = newProgram(t, ['cat'], { channel: false });
  await empty.program.start();
  await empty.program.ended;
  assert.equal(empty.ends[0]!.code, 0);

  const heard: string[] = [];
  const { program } = newProgram(t, ['cat'], {
    channel: false,
    stdin: 'pipe',
    onStdoutLine: (line) => heard.push(line),
  });
  await program.start();
  program.stdin!.send('a line');
  program.stdin!.write(Buffer.from('and bytes'));
  program.stdin!.end();
  await program.ended;
  assert.deepEqual(heard, ['a line', 'and bytes']);
});

test('bash does not take its input for a login, and so reads no .bashrc', async (t) => {
  const home = temporaryFolder(t);
  writeFileSync(join(home, '.bashrc'), 'echo the rc file');
  const options = { stdin: 'pipe', inherits: ['PATH'], env: { HOME: home } } as const;
  const { program, ends } = newProgram(t, ['bash', '-c', 'echo the program'], options);
  await program.start();
  await program.ended;
  assert.deepEqual(ends[0]!.lastLines, ['the program']);
});

test('a program that ends knows whether it had read everything', async (t) => {
  const unread = async (script: string) => {
    const { program, ends } = newProgram(t, ['bash', '-c', script]);
    await program.start();
    program.send('one');
    program.send('two');
    await program.ended;
    return ends[0]!.unread;
  };
  assert.equal(await unread('read -ru 3; read -ru 3'), 0);
  if (process.platform === 'linux') assert.ok((await unread('read -ru 3')) >= 4);
});

test('the lines that a program prints right before its end are logged once, with the end', async (t) => {
  const clock = new FakeClock();
  const script = 'echo early; read -ru 3; echo "no database" >&2; echo "at line 3"; exit 1';
  const { program, log, ends } = newProgram(t, ['bash', '-c', script], { clock });
  await program.start();
  const printed = () => log.entries.map(({ sentence }) => sentence);
  await until(() => {
    clock.advance(250);
    return printed().length === 1;
  }, 'the first line is logged');
  program.send('go on');
  await program.ended;
  assert.deepEqual(printed(), ['early']);
  assert.deepEqual(new Set(ends[0]!.lastLines), new Set(['early', 'no database', 'at line 3']));
});

test('what a program that is stopped has printed is logged, since its end is not', async (t) => {
  const script = 'trap "echo bye; exit 0" INT; echo ready >&4; while :; do sleep 0.1; done';
  const { program, log, lines } = newProgram(t, ['bash', '-c', script], { clock: new FakeClock() });
  await program.start();
  await until(() => lines.length === 1, 'it is ready');
  process.kill(program.pid!, 'SIGINT');
  await program.stop();
  assert.deepEqual(
    log.entries.map(({ sentence }) => sentence),
    ['bye'],
  );
});
