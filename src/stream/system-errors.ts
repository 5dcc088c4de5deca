import { type ErrorCode, ZocaloError } from '../errors.ts';

type Case = readonly [code: ErrorCode, happened: (address: string) => string];

/** The error codes of Node, libuv and OpenSSL, with our code and message for each. */
const CASES: Record<string, Case> = {
  EADDRINUSE: ['ADDRESS_IN_USE', (address) => `${address} is taken by another program`],
  EADDRNOTAVAIL: ['ADDRESS_NOT_AVAILABLE', (address) => `${address} is not an address of this machine`],
  EAFNOSUPPORT: [
    'ADDRESS_NOT_AVAILABLE',
    (address) => `this machine does not support the address family of ${address}`,
  ],
  EACCES: ['PERMISSION_DENIED', (address) => `this program is not allowed to use ${address}`],
  EPERM: ['PERMISSION_DENIED', (address) => `this program is not allowed to use ${address}`],
  EROFS: ['PERMISSION_DENIED', (address) => `${address} is on a read-only file system`],
  ENOTFOUND: ['UNKNOWN_HOST', (address) => `the host of ${address} has no address`],
  EAI_AGAIN: ['UNKNOWN_HOST', (address) => `no name server answers about the host of ${address}`],
  EAI_FAIL: ['UNKNOWN_HOST', (address) => `the name server failed for the host of ${address}`],
  ECONNREFUSED: ['CONNECTION_REFUSED', (address) => `${address} refused the connection`],
  ECONNRESET: ['CONNECTION_RESET', (address) => `the connection with ${address} was cut`],
  ECONNABORTED: ['CONNECTION_RESET', (address) => `the connection with ${address} was cut`],
  EPIPE: ['CONNECTION_RESET', (address) => `${address} closed before everything was sent`],
  ETIMEDOUT: ['TIMEOUT', (address) => `${address} did not answer`],
  EHOSTUNREACH: ['UNREACHABLE', (address) => `there is no route to the host of ${address}`],
  EHOSTDOWN: ['UNREACHABLE', (address) => `the host of ${address} is down`],
  ENETUNREACH: ['UNREACHABLE', (address) => `there is no route to the network of ${address}`],
  ENETDOWN: ['UNREACHABLE', (address) => `the network to ${address} is down`],
  ENOENT: ['NO_SUCH_PATH', (address) => `${address} does not exist`],
  ENOTDIR: ['NO_SUCH_PATH', (address) => `${address} is below a path that is not a directory`],
  ENOTSOCK: ['NO_SUCH_PATH', (address) => `${address} is not a socket`],
  EMSGSIZE: ['MESSAGE_TOO_BIG', (address) => `a datagram to ${address} is larger than the network carries`],
  EMFILE: ['TOO_MANY_OPEN_FILES', (address) => `this program has no file descriptor left for ${address}`],
  ENFILE: ['TOO_MANY_OPEN_FILES', (address) => `this machine has no file descriptor left for ${address}`],
  ABORT_ERR: ['ABORTED', (address) => `the operation on ${address} was cancelled`],
  ERR_STREAM_PREMATURE_CLOSE: ['SOCKET_CLOSED', closed],
  ERR_STREAM_DESTROYED: ['SOCKET_CLOSED', closed],
  ERR_STREAM_WRITE_AFTER_END: ['SOCKET_CLOSED', closed],
  ERR_SOCKET_CLOSED: ['SOCKET_CLOSED', closed],
  ERR_SOCKET_DGRAM_NOT_RUNNING: ['SOCKET_CLOSED', closed],

  // RFC 5280 path validation, in the names that OpenSSL's X509_V_ERR_… have in Node
  DEPTH_ZERO_SELF_SIGNED_CERT: ['CERTIFICATE_NOT_TRUSTED', (address) => `the certificate of ${address} is self-signed`],
  SELF_SIGNED_CERT_IN_CHAIN: ['CERTIFICATE_NOT_TRUSTED', unknownAuthority],
  UNABLE_TO_GET_ISSUER_CERT: ['CERTIFICATE_NOT_TRUSTED', unknownAuthority],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['CERTIFICATE_NOT_TRUSTED', unknownAuthority],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['CERTIFICATE_NOT_TRUSTED', unknownAuthority],
  CERT_UNTRUSTED: ['CERTIFICATE_NOT_TRUSTED', unknownAuthority],
  INVALID_CA: ['CERTIFICATE_NOT_TRUSTED', unknownAuthority],
  CERT_HAS_EXPIRED: ['CERTIFICATE_NOT_TRUSTED', (address) => `the certificate of ${address} has expired`],
  CERT_NOT_YET_VALID: ['CERTIFICATE_NOT_TRUSTED', (address) => `the certificate of ${address} is not valid yet`],
  CERT_REVOKED: ['CERTIFICATE_NOT_TRUSTED', (address) => `the certificate of ${address} was revoked`],
  CERT_REJECTED: ['CERTIFICATE_NOT_TRUSTED', (address) => `the certificate of ${address} was rejected`],
  INVALID_PURPOSE: ['CERTIFICATE_NOT_TRUSTED', (address) => `the certificate of ${address} is not valid for servers`],
  HOSTNAME_MISMATCH: ['CERTIFICATE_NOT_TRUSTED', otherName],
  ERR_TLS_CERT_ALTNAME_INVALID: ['CERTIFICATE_NOT_TRUSTED', otherName],
  ERR_TLS_HANDSHAKE_TIMEOUT: ['TIMEOUT', (address) => `${address} did not finish the TLS handshake`],
  EPROTO: ['TLS_FAILED', noTls],
};

/** OpenSSL's reasons that concern a certificate or key of our own, not of the other side. */
const OWN_CERTIFICATE =
  /^ERR_OSSL_(PEM|X509|ASN1|DECODER|EVP|PKCS12|UNSUPPORTED|BAD_|WRONG_TAG)|^ERR_SSL_(EE_KEY|CA_KEY|NO_CERT)/;

/**
 * An error of Node, libuv or OpenSSL as a ZocaloError with `address` in its message and the original as its `cause`. A
 * ZocaloError is returned unchanged.
 */
export function toZocaloError(error: unknown, address: string): ZocaloError {
  if (error instanceof ZocaloError) return error;
  const name = nameOf(error);
  const known = CASES[name];
  if (known) return new ZocaloError(known[0], known[1](address), { cause: error });
  if (OWN_CERTIFICATE.test(name)) {
    return new ZocaloError('BAD_CERTIFICATE', `the certificate or key for ${address} cannot be used (${name})`, {
      cause: error,
    });
  }
  if (/^ERR_(SSL|TLS|OSSL)_/.test(name)) {
    return new ZocaloError('TLS_FAILED', `TLS with ${address} failed (${name})`, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ZocaloError('UNEXPECTED', `${address} failed: ${message.replace(/\s+/g, ' ').trim()}`, { cause: error });
}

/** The code, or the name of an abort without one (`AbortSignal.timeout`, or the caller's own reason). */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.name === 'AbortError' ? 'ABORT_ERR' : error.name === 'TimeoutError' ? 'ETIMEDOUT' : '';
}

function closed(address: string): string {
  return `the connection with ${address} is closed`;
}

function unknownAuthority(address: string): string {
  return `the certificate of ${address} is signed by an unknown authority`;
}

function otherName(address: string): string {
  return `the certificate of ${address} is issued for another name`;
}

function noTls(address: string): string {
  return `${address} does not speak TLS`;
}
