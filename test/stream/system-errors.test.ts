import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, ZocaloError } from '../../src/errors.ts';
import { toZocaloError } from '../../src/stream/index.ts';

const coded = (code: string) => Object.assign(new Error('raw\n  text'), { code });

const CASES: Record<string, ErrorCode> = {
  EADDRINUSE: 'ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ADDRESS_NOT_AVAILABLE',
  EACCES: 'PERMISSION_DENIED',
  ENOTFOUND: 'UNKNOWN_HOST',
  EAI_AGAIN: 'UNKNOWN_HOST',
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ECONNRESET: 'CONNECTION_RESET',
  EPIPE: 'CONNECTION_RESET',
  ETIMEDOUT: 'TIMEOUT',
  EHOSTUNREACH: 'UNREACHABLE',
  ENETUNREACH: 'UNREACHABLE',
  ENOENT: 'NO_SUCH_PATH',
  EMFILE: 'TOO_MANY_OPEN_FILES',
  EMSGSIZE: 'MESSAGE_TOO_BIG',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'CERTIFICATE_NOT_TRUSTED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'CERTIFICATE_NOT_TRUSTED',
  ERR_TLS_CERT_ALTNAME_INVALID: 'CERTIFICATE_NOT_TRUSTED',
  CERT_HAS_EXPIRED: 'CERTIFICATE_NOT_TRUSTED',
  ERR_OSSL_PEM_NO_START_LINE: 'BAD_CERTIFICATE',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'BAD_CERTIFICATE',
  ERR_SSL_WRONG_VERSION_NUMBER: 'TLS_FAILED',
  ERR_STREAM_DESTROYED: 'SOCKET_CLOSED',
  ABORT_ERR: 'ABORTED',
  ESOMETHING: 'UNEXPECTED',
};

for (const [raw, code] of Object.entries(CASES)) {
  test(`${raw} is ${code}, with the address in one line and the cause kept`, () => {
    const cause = coded(raw);
    const error = toZocaloError(cause, 'tcp://there:1');
    assert.equal(error.code, code);
    assert.match(error.message, /^[^\n]*tcp:\/\/there:1[^\n]*$/);
    assert.equal(error.cause, cause);
  });
}

test('an abort without a code, a timeout signal and a value that is not an error are distinguished', () => {
  assert.equal(toZocaloError(new DOMException('gone', 'AbortError'), 'x').code, 'ABORTED');
  assert.equal(toZocaloError(new DOMException('late', 'TimeoutError'), 'x').code, 'TIMEOUT');
  assert.equal(toZocaloError('text', 'x').code, 'UNEXPECTED');
});

test('our own error is returned unchanged', () => {
  const error = new ZocaloError('TIMEOUT', 'late');
  assert.equal(toZocaloError(error, 'x'), error);
});
