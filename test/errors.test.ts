import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, ZocaloError } from '../src/errors.ts';

test('an error has a stable code, what happened, and what to do', () => {
  const cause = new Error('EADDRINUSE');
  const error = new ZocaloError('ADDRESS_IN_USE', 'tcp://127.0.0.1:1337 is taken by another program', { cause });
  assert.equal(error.code, 'ADDRESS_IN_USE');
  assert.equal(error.message, `tcp://127.0.0.1:1337 is taken by another program; ${ERRORS.ADDRESS_IN_USE.advice}`);
  assert.equal(error.cause, cause);
});

test('an error can replace the advice of the table', () => {
  assert.match(new ZocaloError('TIMEOUT', 'x', { advice: 'wait longer' }).message, /^x; wait longer$/);
});

test('what happened and what to do stay separate in an error, whatever their text contains', () => {
  const { happened, advice, message } = new ZocaloError('TIMEOUT', 'a; b', { advice: 'c; d' });
  assert.deepEqual([happened, advice, message], ['a; b', 'c; d', 'a; b; c; d']);
  assert.equal(new ZocaloError('TIMEOUT', 'x').advice, ERRORS.TIMEOUT.advice);
});
