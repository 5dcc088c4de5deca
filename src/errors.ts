/** The properties of an error code. */
export interface ErrorRow {
  /** The exit code of the program `zocalo`. `zocalo --help` says what each number means. */
  readonly exit: number;
  /** The close code (RFC 6455 §7.4.1) when it ends a WebSocket. */
  readonly close?: number;
  /** What to do. It is the end of the message. */
  readonly advice: string;
}

/**
 * Every code of a `ZocaloError`, with its properties. (The codes that are sent over the wire are `CODES` in
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
  CONNECTION_RESET: { exit: 5, advice: 'the other side, or something in between, cut the connection; connect again' },
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
  // devices
  FRAME_TOO_LONG: {
    exit: 8,
    advice: 'check that the framing is the device’s, or raise its limit; it was skipped, up to the next frame',
  },
  FRAME_DAMAGED: { exit: 1, advice: 'check framing, checksum and cable; it was skipped, up to the next frame' },
  FRAME_NOT_DECODED: { exit: 1, advice: 'check the decoding and its encoding against what the device sends' },
  DECODER_UNAVAILABLE: {
    exit: 1,
    advice:
      'the frames wait and it is asked again: see in the log how the program ended, and whether it answers in time',
  },
  FRAME_NOT_ENCODED: { exit: 2, advice: 'send what the framing of this device can carry' },
  DEVICE_REFUSED: { exit: 8, advice: 'add it to the lists of the source, or raise its limits, if it is one of yours' },
  READING_REFUSED: { exit: 1, advice: 'it was passed over: see the reason, and the options of the channel' },
  POLL_UNANSWERED: { exit: 1, advice: 'check that the device is on, and that the request is one that it answers' },
  COMMAND_FAILED: {
    exit: 1,
    advice: 'see what the device said, and whether it knows the command; it is not sent again',
  },
  BROKER_REFUSED: { exit: 1, advice: 'check user, password and rights at the broker; it is tried again' },
  COMMANDS_FULL: { exit: 8, advice: 'the device is away: send again when it is here, or raise `commands`' },
  // the runtime
  NODE_TOO_OLD: { exit: 2, advice: 'update Node' },
  WORKER_MISSING: {
    exit: 2,
    advice: 'leave zocalo out of the bundle (--external:zocalo, say), and install it beside it',
  },
  // databases
  DRIVER_MISSING: { exit: 2, advice: 'install the package that is named' },
  DATABASE_UNREACHABLE: { exit: 4, advice: 'check that it runs, its address, and the network; it is tried again' },
  DATABASE_BUSY: {
    exit: 1,
    advice:
      'another transaction was in the way: it is tried again; if it lasts, find who holds locks, and for how long',
  },
  DATABASE_FAILED: {
    exit: 1,
    advice: 'see the reason; docs/databases.md has the table and the rights that are needed',
  },
  OUTBOX_ROW_REFUSED: {
    exit: 1,
    advice: 'it was set aside with its error; correct it and set the column error to NULL, or delete it',
  },
  SINK_ROW_REFUSED: {
    exit: 1,
    advice: 'it was set aside; correct the table or the columns of the sink, then run zocalo sinks retry, or drop',
  },
  SINK_TABLE_UNFIT: {
    exit: 1,
    advice: 'correct the table or the columns of the sink; it is tried again, and what is published waits meanwhile',
  },
  // channels
  KEY_REUSED: { exit: 1, advice: 'use a key again only to repeat exactly the same data' },
  LOG_IN_USE: { exit: 11, advice: 'stop the other process, or give this one a file of its own' },
  LOG_LOCKED: { exit: 11, advice: 'nothing was stored: end the program that holds the lock, then publish again' },
  LOG_FULL: { exit: 11, advice: 'nothing was stored: make room, then publish again' },
  LOG_READ_ONLY: { exit: 11, advice: 'nothing was stored: let this program write to the file and its folder' },
  LOG_UNREACHABLE: {
    exit: 4,
    advice: 'nothing was stored: check that the server runs, its address, and the network; it is tried again',
  },
  LOG_DENIED: { exit: 11, advice: 'nothing was stored: check user, password and rights' },
  LOG_UNSUITABLE: { exit: 11, advice: 'nothing was stored: see the reason' },
  LOG_BUSY: { exit: 1, advice: 'nothing was stored: more is published than the store can take; publish more slowly' },
  LOG_FAILED: {
    exit: 11,
    advice: 'see the cause; what was acknowledged is kept, and repeating this with its key is safe',
  },
  LOG_CLOSED: { exit: 1, advice: 'open the broker before use, and do not use it after `close`' },
  // other files of the daemon
  STORE_FAILED: { exit: 1, advice: 'check the path of the file, its permissions, and the free space on the disk' },
  // programs
  SERVER_USED: { exit: 1, advice: 'make a new one: a server listens once' },
  BAD_OPTION: { exit: 2, advice: 'see --help or docs/options.md for the values that it may have' },
  BAD_CONFIG: { exit: 2, advice: 'see docs/options.md for every key; zocalo init writes a file to start from' },
  // other programs, and the application's handlers
  PROGRAM_NOT_FOUND: { exit: 2, advice: 'check its name and PATH, or give its whole path' },
  PROGRAM_NOT_EXECUTABLE: { exit: 2, advice: 'allow it with chmod +x, or start it with its interpreter' },
  PROGRAM_FAILED_TO_START: { exit: 1, advice: 'see the reason; it is tried again with growing pauses' },
  PROGRAM_ENDED: { exit: 1, advice: 'see its last lines in the log' },
  PROGRAM_KEEPS_ENDING: { exit: 1, advice: 'see its last lines in the log, and start it by hand; it is tried again' },
  PROGRAM_CLOSED_CHANNEL: { exit: 1, advice: 'keep the channel open for as long as the program runs' },
  PROGRAM_BAD_LINE: { exit: 1, advice: 'write one JSON array a line to the channel, and everything else to stdout' },
  PROGRAM_LINE_TOO_LONG: { exit: 1, advice: 'send less in one line, or end lines with a newline' },
  PROGRAM_TOO_MUCH: { exit: 1, advice: 'say `done`, or `flush`, sooner' },
  PROGRAM_UNEXPECTED_ANSWER: { exit: 1, advice: 'answer each event once, with its number, within the time limit' },
  PROGRAM_TIMEOUT: { exit: 1, advice: 'answer sooner, or allow more time with `timeout`' },
  HANDLER_UNREACHABLE: { exit: 1, advice: 'check that it runs, and the address in the configuration' },
  HANDLER_TIMEOUT: { exit: 1, advice: 'answer sooner, or allow more time with `timeout`' },
  HANDLER_BAD_ANSWER: { exit: 1, advice: 'answer one JSON object, as docs/handlers.md says, and nothing else' },
  HANDLER_BUSY: { exit: 1, advice: 'answer faster, start more workers, or allow more to wait with `waiting`' },
  HOOK_FAILED: { exit: 1, advice: 'fix the hook; the user concerned was closed with 1011' },
  UNEXPECTED: {
    exit: 1,
    close: 1011,
    advice: 'this is a bug in Zócalo, or a case that it does not handle: please report it',
  },
} as const satisfies Readonly<Record<string, ErrorRow>>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptions {
  /** Replaces the advice of the table by a more specific one. */
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
