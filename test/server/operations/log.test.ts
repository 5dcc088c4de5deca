import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ZocaloError } from '../../../src/errors.ts';
import { createLog } from '../../../src/server/operations/index.ts';

const LOG_MODULE = fileURLToPath(new URL('../../../src/server/operations/index.ts', import.meta.url));

async function open(
  config: { level?: 'info' | 'silent'; form?: 'json' | 'text' | 'auto' } = {},
  secrets: readonly string[] = [],
) {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const log = createLog({ level: 'info', form: 'json', ...config }, { write, isTerminal: false, secrets });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) };
}

test('a line is JSON with its level, its time, its fields and its sentence', async () => {
  const { log, lines, last } = await open({ form: 'auto' });
  log.warn({ address: '192.0.2.7' }, 'a login was refused unchecked');
  const { time, ...rest } = last();
  assert.deepEqual(rest, { level: 'warn', address: '192.0.2.7', msg: 'a login was refused unchecked' });
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.match(lines[0]!, /^[^\n]*\n$/);
});

test("secret fields are hidden at any depth, and the caller's object is not changed", async () => {
  const { log, lines } = await open();
  const request = { headers: { Cookie: 's1', authorization: 's2', 'set-cookie': ['s3'] }, tokens: 3 };
  const fields = { token: 's4', apiKey: 's5', list: [{ password: { old: 's6' }, secret: 's7' }], request };
  log.info(fields, 'a visitor');
  assert.doesNotMatch(lines[0]!, /s\d/);
  assert.match(lines[0]!, /"tokens":3/);
  assert.equal(request.headers.Cookie, 's1');
});

test('credentials are hidden in URLs, in texts and in errors too, and the line is still JSON', async () => {
  const { log, lines, last } = await open();
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYXRhbGlhIn0.c2lnbmF0dXJl';
  const cause = new Error('Bearer 0123456789abcdef was refused');
  const err = new Error(`GET "https://ana:opensesame@example.org/?access_token=s3cr3t" failed`, { cause });
  log.error({ err, url: '/sse?channel=news&token=s3cr3t&after=7', said: `he said "${jwt}"` }, `refused ${jwt}`);
  assert.doesNotMatch(lines[0]!, /opensesame|s3cr3t|eyJ|0123456789abcdef/);
  assert.match(last().url, /^\/sse\?channel=news&token=\[hidden\]&after=7$/);
});

test('the secrets of the configuration are hidden wherever they appear', async () => {
  const { log, lines } = await open({}, ['of-the-configuration-alone']);
  log.info({ path: '/x/of-the-configuration-alone' }, 'a text with of-the-configuration-alone in it');
  assert.doesNotMatch(lines[0]!, /of-the-configuration-alone/);
  assert.match(lines[0]!, /a text with \[hidden\] in it/);
});

test('our own errors are logged with code and message, others with the stack, each with its cause', async () => {
  const { log, last } = await open();
  const cause = Object.assign(new Error('disk full'), { code: 'ENOSPC' });
  log.error({ err: new ZocaloError('LOG_FULL', 'zocalo.db has no room', { cause }) }, 'not stored');
  const { err } = last();
  assert.equal(err.code, 'LOG_FULL');
  assert.match(err.message, /zocalo\.db has no room/);
  assert.equal(err.stack, undefined);
  assert.equal(err.cause.code, 'ENOSPC');
  log.error({ err: new TypeError('undefined is not a function') }, 'a bug');
  assert.match(last().err.stack, /^TypeError: undefined is not a function\n.*log\.test\.ts/s);
});

test('no fields can break the log: circular references, big integers and bytes are written too', async () => {
  const { log, last } = await open();
  const circle: Record<string, unknown> = { big: 1n, bytes: new Uint8Array(3), when: new Date(0) };
  circle.self = circle;
  log.info(circle, 'round');
  const { big, bytes, when } = last();
  assert.deepEqual({ big, bytes, when }, { big: '1', bytes: '[3 bytes]', when: '1970-01-01T00:00:00.000Z' });
});

test('lines below the level are left out, and the level can change, even from silent', async () => {
  const { log, lines } = await open({ level: 'silent' });
  log.error({}, 'one');
  log.configure({ level: 'info', form: 'json' });
  log.debug({}, 'two');
  log.info({}, 'three');
  log.configure({ level: 'silent', form: 'json' });
  log.error({}, 'four');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['three'],
  );
});

test('the form text is readable for people', async () => {
  const { log, lines } = await open({ form: 'text' });
  log.info({ user: 'natalia', token: 's3cr3t' }, 'here');
  assert.match(lines.join(''), /INFO.*here\n.*user: "natalia"/s);
  assert.doesNotMatch(lines.join(''), /s3cr3t/);
});

for (const form of ['json', 'text'])
  test(`standard error gets every line, even when the process ends at once (${form})`, () => {
    const program = `
      import { createLog } from ${JSON.stringify(LOG_MODULE)};
      const log = createLog({ level: 'info', form: '${form}' });
      for (let i = 1; i <= 2000; i++) log.info({ i }, 'counted');
      process.exit(7);`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.equal(status, 7);
    assert.equal(stdout, '');
    assert.equal(stderr.match(/counted/g)?.length, 2000);
  });

test('a reader of standard error that stops reading or is gone does not stop the program', async () => {
  const program = `
    import { createLog } from ${JSON.stringify(LOG_MODULE)};
    const log = createLog({ level: 'info', form: 'json' });
    for (let i = 1; i <= 50_000; i++) log.info({ i }, 'counted');
    console.log('went on');
    process.stdin.once('data', () => {
      for (let i = 1; i <= 50_000; i++) log.info({ i }, 'counted');
      process.exit(7);
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  const exited = once(child, 'exit');
  child.stderr.pause();
  await once(child.stdout, 'data');
  child.stderr.destroy();
  child.stdin.write('\n');
  assert.deepEqual(await exited, [7, null]);
});

for (const form of ['json', 'text'] as const)
  test(`no fields can make a line of the log throw (${form})`, async () => {
    const { log, lines } = await open({ form });
    const hostile: object[] = [
      {
        get broken() {
          throw new Error('no');
        },
      },
      { when: { toJSON: () => assert.fail('no') } },
      new Proxy({}, { ownKeys: () => assert.fail('no') }),
      {
        err: Object.assign(new Error('x'), {
          cause: {
            get code() {
              throw 'no';
            },
          },
        }),
      },
      { symbol: Symbol('x'), nothing: undefined, deep: new Map([[1, 2]]) },
    ];
    for (const fields of hostile) log.error(fields, 'it went wrong');
    assert.equal(lines.length, hostile.length);
    for (const line of lines) assert.match(line, /it went wrong/);
  });

test('a text line contains no control characters or extra lines, whatever a stranger sent', async () => {
  const { log, lines } = await open({ form: 'text' });
  const err = Object.assign(new Error('first\u001b[2J\nsecond'), { stack: 'Error: \u001b[2Jfirst\n    at x' });
  log.warn({ user: 'ana\u001b[1A\n[00:00:00.000] INFO: forged', err }, 'refused \u001b[2J\nforged');
  assert.equal(lines[0]!.includes('\u001b'), false);
  assert.deepEqual(lines[0]!.match(/^\S.*$/gm)?.length, 1);
});
