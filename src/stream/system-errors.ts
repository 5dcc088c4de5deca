import { type ErrorCode, ZocaloError } from '../errors.ts';

type Case = readonly [code: ErrorCode, happened: (address: string) => string];

/** What Node, libuv and OpenSSL call a failure, and what it is called here. */
const CASES: Record<string, Case> = {
  EADDRINUSE: ['ADDRESS_IN_USE', (address) => `${address} is taken by another program`],
  EADDRNOTAVAIL: ['ADDRESS_NOT_AVAILABLE', (address) => `${address} is no address of this machine`],
  EAFNOSUPPORT: ['ADDRESS_NOT_AVAILABLE', (address) => `this machine does not speak the kind of network of ${address}`],
  EACCES: ['PERMISSION_DENIED', (address) => `this program may not use ${address}`],
  EPERM: ['PERMISSION_DENIED', (address) => `this program may not use ${address}`],
  EROFS: ['PERMISSION_DENIED', (address) => `${address} is on a file system that cannot be written to`],
  ENOTFOUND: ['UNKNOWN_HOST', (address) => `the host of ${address} has no address`],
  EAI_AGAIN: ['UNKNOWN_HOST', (address) => `no name server answers for the host of ${address}`],
  EAI_FAIL: ['UNKNOWN_HOST', (address) => `the name server fails for the host of ${address}`],
  ECONNREFUSED: ['CONNECTION_REFUSED', (address) => `${address} refuses the connection`],
  ECONNRESET: ['CONNECTION_RESET', (address) => `the connection with ${address} was cut`],
  ECONNABORTED: ['CONNECTION_RESET', (address) => `the connection with ${address} was cut`],
  EPIPE: ['CONNECTION_RESET', (address) => `${address} closed while there was something left to send`],
  ETIMEDOUT: ['TIMEOUT', (address) => `${address} did not answer`],
  EHOSTUNREACH: ['UNREACHABLE', (address) => `there is no way to the host of ${address}`],
  EHOSTDOWN: ['UNREACHABLE', (address) => `the host of ${address} is down`],
  ENETUNREACH: ['UNREACHABLE', (address) => `there is no way to the network of ${address}`],
  ENETDOWN: ['UNREACHABLE', (address) => `the network to ${address} is down`],
  ENOENT: ['NO_SUCH_PATH', (address) => `${address} does not exist`],
  ENOTDIR: ['NO_SUCH_PATH', (address) => `${address} lies below something that is no directory`],
  ENOTSOCK: ['NO_SUCH_PATH', (address) => `${address} is no socket`],
  EMSGSIZE: ['MESSAGE_TOO_BIG', (address) => `a datagram to ${address} is larger than the network carries`],
  EMFILE: ['TOO_MANY_OPEN_FILES', (address) => `this program has no file descriptor left for ${address}`],
  ENFILE: ['TOO_MANY_OPEN_FILES', (address) => `this machine has no file descriptor left for ${address}`],
  ABORT_ERR: ['ABORTED', (address) => `the work with ${address} was called off`],
  ERR_STREAM_PREMATURE_CLOSE: ['SOCKET_CLOSED', closed],
  ERR_STREAM_DESTROYED: ['SOCKET_CLOSED', closed],
  ERR_STREAM_WRITE_AFTER_END: ['SOCKET_CLOSED', closed],
  ERR_SOCKET_CLOSED: ['SOCKET_CLOSED', closed],
  ERR_SOCKET_DGRAM_NOT_RUNNING: ['SOCKET_CLOSED', closed],

  // RFC 5280 path validation, in the names that OpenSSL's X509_V_ERR_… have in Node
  DEPTH_ZERO_SELF_SIGNED_CERT: ['CERTIFICATE_NOT_TRUSTED', (address) => `the certificate of ${address} signs itself`],
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
  INVALID_PURPOSE: ['CERTIFICATE_NOT_TRUSTED', (address) => `the certificate of ${address} is not meant for servers`],
  HOSTNAME_MISMATCH: ['CERTIFICATE_NOT_TRUSTED', otherName],
  ERR_TLS_CERT_ALTNAME_INVALID: ['CERTIFICATE_NOT_TRUSTED', otherName],
  ERR_TLS_HANDSHAKE_TIMEOUT: ['TIMEOUT', (address) => `${address} did not finish the TLS handshake`],
  EPROTO: ['TLS_FAILED', noTls],
};

/** OpenSSL's reasons that speak of a certificate or key that we gave, not of the other side. */
const OWN_CERTIFICATE =
  /^ERR_OSSL_(PEM|X509|ASN1|DECODER|EVP|PKCS12|UNSUPPORTED|BAD_|WRONG_TAG)|^ERR_SSL_(EE_KEY|CA_KEY|NO_CERT)/;

/**
 * The error of Node, libuv or OpenSSL as a ZocaloError with `address` (as people write it) in its sentence and
 * the original as its `cause`. A ZocaloError passes as it is.
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

/** The code, or the name of an abort without one (`AbortSignal.timeout`, a reason of the caller's own). */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.name === 'AbortError' ? 'ABORT_ERR' : error.name === 'TimeoutError' ? 'ETIMEDOUT' : '';
}

function closed(address: string): string {
  return `the connection with ${address} is closed`;
}

function unknownAuthority(address: string): string {
  return `the certificate of ${address} is signed by an authority that is not known here`;
}

function otherName(address: string): string {
  return `the certificate of ${address} is made out to another name`;
}

function noTls(address: string): string {
  return `${address} does not answer in TLS`;
}
