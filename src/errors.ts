/** What is known of a code. */
export interface ErrorRow {
  /** With what the program `zocalo` ends for it. The command line's `--help` says what each number means. */
  readonly exit: number;
  /** The close code (RFC 6455 §7.4.1) of a WebSocket that it ends. */
  readonly close?: number;
  /** What to do: ends the message. */
  readonly advice: string;
}

/**
 * Every code of a `ZocaloError`, once, with what is known of it. (Those that go over the wire are `CODES` in
 * protocol/codes.ts.)
 */
export const ERRORS = {
  // addresses and sockets
  BAD_ADDRESS: { exit: 2, advice: 'write it as scheme://host:port, for example tcp://127.0.0.1:1337' },
  UNKNOWN_SCHEME: { exit: 2, advice: 'use one of tcp, tls, udp, unix, ws, wss' },
  ADDRESS_IN_USE: { exit: 3, advice: 'stop the other program, or choose another port' },
  ADDRESS_NOT_AVAILABLE: {
    exit: 3,
    advice: 'listen on an address of this machine, or on 0.0.0.0 or [::] for all of them',
  },
  PERMISSION_DENIED: {
    exit: 3,
    advice: 'choose a port above 1023 or a path that you may write to, or run with more rights',
  },
  UNKNOWN_HOST: { exit: 4, advice: 'check the spelling of the host name and the name server' },
  CONNECTION_REFUSED: { exit: 4, advice: 'nothing listens there: start the server, or check the port' },
  CONNECTION_RESET: { exit: 5, advice: 'the other side or something between cut the connection; connect again' },
  UNREACHABLE: { exit: 4, advice: 'check the network, the address and the firewall' },
  TIMEOUT: { exit: 6, advice: 'the other side was silent for too long; check that it is alive, or allow more time' },
  ABORTED: { exit: 6, advice: 'the caller gave up' },
  NO_SUCH_PATH: { exit: 3, advice: 'check the path; a server must listen there first' },
  MESSAGE_TOO_BIG: { exit: 8, close: 1009, advice: 'send a smaller message, or raise the limit on both sides' },
  CERTIFICATE_NOT_TRUSTED: {
    exit: 7,
    advice:
      'trust the authority that signed it, with the option `ca` (--ca, or NODE_EXTRA_CA_CERTS), or get another certificate',
  },
  BAD_CERTIFICATE: { exit: 7, advice: 'give a certificate and its private key in PEM form that belong together' },
  TLS_FAILED: { exit: 7, advice: 'check that the other side speaks TLS on that port, and in a version that both know' },
  TOO_MANY_OPEN_FILES: { exit: 8, advice: 'raise the limit of open files (ulimit -n), or close some connections' },
  SOCKET_CLOSED: { exit: 5, advice: 'open a new connection' },
  // WebSocket
  HANDSHAKE_FAILED: { exit: 9, advice: 'check that the address is a WebSocket server and that its path is right' },
  PROTOCOL_ERROR: { exit: 9, close: 1002, advice: 'the other side broke RFC 6455: this is a bug in its library' },
  INVALID_UTF8: { exit: 9, close: 1007, advice: 'send text as UTF-8, or send it as binary' },
  TOO_MANY_FRAGMENTS: { exit: 8, close: 1008, advice: 'send fewer, larger fragments, or raise `maxFragments`' },
  TOO_MANY_CONTROL_FRAMES: { exit: 8, close: 1008, advice: 'ping less often, or raise `maxControlFrames`' },
  COMPRESSION_FAILED: { exit: 9, close: 1007, advice: 'the other side broke RFC 7692: this is a bug in its library' },
  QUEUE_FULL: { exit: 8, close: 1013, advice: 'the reader is too slow: send less, or raise `queueLimit`' },
  // channels
  KEY_REUSED: { exit: 1, advice: 'use a key again only to repeat the very same data' },
  LOG_IN_USE: { exit: 11, advice: 'stop the other process, or give this one a file of its own' },
  LOG_LOCKED: { exit: 11, advice: 'nothing was stored: end the program that holds the lock, then publish again' },
  LOG_FULL: { exit: 11, advice: 'nothing was stored: make room, then publish again' },
  LOG_READ_ONLY: { exit: 11, advice: 'nothing was stored: let this program write to the file and its folder' },
  LOG_BUSY: { exit: 1, advice: 'nothing was stored: more is published than the store can take; publish more slowly' },
  LOG_FAILED: {
    exit: 11,
    advice: 'see the cause; what was acknowledged is kept, and repeating this with its key is safe',
  },
  LOG_CLOSED: { exit: 1, advice: 'open the broker before use, and do not use it after `close`' },
  // what the daemon keeps besides
  STORE_FAILED: { exit: 1, advice: 'check the path of the file, its rights, and the room on the disk' },
  // programs
  SERVER_USED: { exit: 1, advice: 'make a new one: a server listens once' },
  BAD_OPTION: { exit: 2, advice: 'see --help or docs/options.md for what it may be' },
  BAD_CONFIG: { exit: 2, advice: 'see docs/options.md for every key; zocalo init writes a file to start from' },
  HOOK_FAILED: { exit: 1, advice: 'fix the hook; the user concerned was closed with 1011' },
  UNEXPECTED: {
    exit: 1,
    close: 1011,
    advice: 'this is a bug in Zócalo, or a case that it does not know: please report it',
  },
} as const satisfies Readonly<Record<string, ErrorRow>>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptions {
  /** Replaces the table's advice where the case knows better. */
  readonly advice?: string;
  readonly cause?: unknown;
}

/**
 * @example `ADDRESS_IN_USE: tcp://127.0.0.1:1337 is taken by another program; stop the other program, or …`
 */
export class ZocaloError extends Error {
  /** Stable: match this, never the message. */
  readonly code: ErrorCode;
  /** What happened, to which address or user. The message is this and `advice`. */
  readonly happened: string;
  /** What to do about it. */
  readonly advice: string;

  constructor(code: ErrorCode, happened: string, { advice = ERRORS[code].advice, ...options }: ErrorOptions = {}) {
    super(`${happened}; ${advice}`, options);
    this.name = 'ZocaloError';
    this.code = code;
    this.happened = happened;
    this.advice = advice;
  }
}
