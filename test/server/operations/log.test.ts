import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZocaloError } from '../../../src/errors.ts';
import { createLog } from '../../../src/server/operations/index.ts';

async function logged(form: 'json' | 'text', secrets: string[] = []) {
  const written: string[] = [];
  const log = await createLog({ level: 'info', form }, { secrets, write: (line) => written.push(line) });
  return { log, written };
}

test('a line of the log is JSON with its time, its level, its fields and its sentence', async () => {
  const { log, written } = await logged('json');
  log.info({ port: 9000 }, 'listening');
  log.debug({}, 'too fine');
  assert.equal(written.length, 1);
  const { time, ...rest } = JSON.parse(written[0]!);
  assert.deepEqual(rest, { level: 'info', port: 9000, msg: 'listening' });
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
});

test('secrets are hidden: by the names of their fields, by what they look like, and by what they are', async () => {
  const secret = 'of-the-configuration-and-of-nobody-else';
  const { log, written } = await logged('json', [secret]);
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYXRhbGlhIn0.c2lnbmF0dXJl';
  log.info(
    { token: 'uno', headers: { authorization: 'dos', cookie: 'tres', accept: '*/*' }, login: { password: 'cuatro' } },
    'fields',
  );
  log.warn(
    { url: `/?token=cinco&x=1`, err: new Error(`Bearer seis was refused, and ${jwt}`) },
    `a text with ${secret}`,
  );
  const all = written.join('');
  for (const hidden of ['uno', 'dos', 'tres', 'cuatro', 'cinco', 'seis', jwt, secret])
    assert.ok(!all.includes(hidden), `${hidden} is in ${all}`);
  for (const seen of ['*/*', '&x=1', 'was refused', 'a text with']) assert.ok(all.includes(seen), seen);
  for (const line of written) JSON.parse(line);
});

test('an error is told by its code and sentence, and only one that nobody foresaw by its stack', async () => {
  const { log, written } = await logged('json');
  log.error({ err: new ZocaloError('LOG_FULL', 'the disk is full', { cause: new Error('ENOSPC') }) }, 'foreseen');
  log.error({ err: new TypeError('x is not a function') }, 'not foreseen');
  const [foreseen, other] = written.map((line) => JSON.parse(line).err);
  assert.equal(foreseen.code, 'LOG_FULL');
  assert.match(foreseen.message, /^the disk is full/);
  assert.equal(foreseen.stack, undefined);
  assert.equal(foreseen.cause.message, 'ENOSPC');
  assert.match(other.stack, /log\.test\.ts/);
});

test('as text, a line is for people', async () => {
  const { log, written } = await logged('text');
  log.warn({ port: 9000, token: 'uno' }, 'careful');
  assert.match(written.join(''), /WARN.*careful/);
  assert.match(written.join(''), /port: 9000/);
  assert.ok(!written.join('').includes('uno'));
});
