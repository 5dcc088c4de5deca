/**
 * The one error base. Programs match `code`, which never changes; people read the message, which says what
 * happened, to which address, user or channel, and what to do about it.
 *
 * Each code stands in this table once, with the advice that ends its message.
 */
export const ADVICE = {
  // addresses and sockets
  BAD_ADDRESS: 'write it as scheme://host:port, for example tcp://127.0.0.1:1337',
  UNKNOWN_SCHEME: 'use one of tcp, tls, udp, unix, ws, wss',
  ADDRESS_IN_USE: 'stop the other program, or choose another port',
  ADDRESS_NOT_AVAILABLE: 'listen on an address of this machine, or on 0.0.0.0 or [::] for all of them',
  PERMISSION_DENIED: 'choose a port above 1023 or a path that you may write to, or run with more rights',
  UNKNOWN_HOST: 'check the spelling of the host name and the name server',
  CONNECTION_REFUSED: 'nothing listens there: start the server, or check the port',
  CONNECTION_RESET: 'the other side or something between cut the connection; connect again',
  UNREACHABLE: 'check the network, the address and the firewall',
  TIMEOUT: 'the other side was silent for too long; check that it is alive, or allow more time',
  ABORTED: 'the caller gave up',
  NO_SUCH_PATH: 'check the path; a server must listen there first',
  MESSAGE_TOO_BIG: 'send a smaller message, or raise the limit on both sides',
  CERTIFICATE_NOT_TRUSTED:
    'trust the authority that signed it, with the option `ca` (--ca, or NODE_EXTRA_CA_CERTS), or get another certificate',
  BAD_CERTIFICATE: 'give a certificate and its private key in PEM form that belong together',
  TLS_FAILED: 'check that the other side speaks TLS on that port, and in a version that both know',
  TOO_MANY_OPEN_FILES: 'raise the limit of open files (ulimit -n), or close some connections',
  SOCKET_CLOSED: 'open a new connection',
  // WebSocket
  HANDSHAKE_FAILED: 'check that the address is a WebSocket server and that its path is right',
  PROTOCOL_ERROR: 'the other side broke RFC 6455; its library needs mending',
  INVALID_UTF8: 'send text as UTF-8, or send it as binary',
  TOO_MANY_FRAGMENTS: 'send fewer, larger fragments, or raise `maxFragments`',
  TOO_MANY_CONTROL_FRAMES: 'ping less often, or raise `maxControlFrames`',
  COMPRESSION_FAILED: 'the other side broke RFC 7692; its library needs mending',
  QUEUE_FULL: 'the reader is too slow: send less, or raise `queueLimit`',
  // channels
  KEY_REUSED: 'use a key again only to repeat the very same data',
  LOG_IN_USE: 'stop the other process, or give this one a file of its own',
  LOG_LOCKED: 'nothing was stored: end the program that holds the lock, then publish again',
  LOG_FULL: 'nothing was stored: make room, then publish again',
  LOG_READ_ONLY: 'nothing was stored: let this program write to the file and its folder',
  LOG_BUSY: 'nothing was stored: more is published than the store can take; publish more slowly',
  LOG_FAILED: 'see the cause; what was acknowledged is kept, and repeating this with its key is safe',
  LOG_CLOSED: 'open the broker before use, and do not use it after `close`',
  // what the daemon keeps besides
  STORE_FAILED: 'check the path of the file, its rights, and the room on the disk',
  // programs
  SERVER_USED: 'make a new one: a server listens once',
  BAD_OPTION: 'see --help or docs/options.md for what it may be',
  BAD_CONFIG: 'see docs/options.md for every key; zocalo init writes a file to start from',
  HOOK_FAILED: 'mend the hook; the user concerned was closed with 1011',
  UNEXPECTED: 'this is a bug in Zócalo, or a case that it does not know: please report it',
} as const;

export type ErrorCode = keyof typeof ADVICE;

/**
 * @example `ADDRESS_IN_USE: tcp://127.0.0.1:1337 is taken by another program; stop the other program, or …`
 */
export class ZocaloError extends Error {
  /** Stable: match this, never the message. */
  readonly code: ErrorCode;

  /** `happened`: what, to which address or user. `advice` replaces the table's when the case knows better. */
  constructor(code: ErrorCode, happened: string, options: { advice?: string; cause?: unknown } = {}) {
    super(`${happened}; ${options.advice ?? ADVICE[code]}`, 'cause' in options ? { cause: options.cause } : {});
    this.name = 'ZocaloError';
    this.code = code;
  }
}
