import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ClientOptions,
  connectWebSocket,
  type ServerOptions,
  WebSocketServer,
} from '../../src/websocket/index.ts';

/** The longest delay of a timer of Node, in milliseconds: a longer one would fire at once. */
const LONGEST = 2 ** 31 - 1;
const COUNT = [1, Number.MAX_SAFE_INTEGER] as const;
const TIME = [1, LONGEST] as const;
/** 0: no limit. */
const OPTIONAL_TIME = [0, LONGEST] as const;

const OF_BOTH = {
  maxMessage: COUNT,
  maxFrame: COUNT,
  maxFragments: COUNT,
  maxControlFrames: COUNT,
  highWaterMark: [0, Number.MAX_SAFE_INTEGER],
  queueLimit: [0, Number.MAX_SAFE_INTEGER],
  pingInterval: OPTIONAL_TIME,
  pongTimeout: TIME,
  idleTimeout: OPTIONAL_TIME,
  closeTimeout: TIME,
} as const;
const OF_SERVERS = {
  maxConnections: COUNT,
  handshakeTimeout: TIME,
  requestTimeout: OPTIONAL_TIME,
  keepAliveTimeout: TIME,
  backlog: COUNT,
} as const;
const OF_CLIENTS = { timeout: OPTIONAL_TIME } as const;
const OF_COMPRESSION = { threshold: [0, Number.MAX_SAFE_INTEGER], level: [1, 9], windowBits: [9, 15] } as const;

const serve = (options: ServerOptions) => void new WebSocketServer('ws://127.0.0.1:0', options);
/** Aborted already: valid options open no socket. */
const connect = async (options: ClientOptions) => {
  const connecting = connectWebSocket('ws://127.0.0.1:1', { ...options, signal: AbortSignal.abort() });
  await connecting.catch((error: { code: string }) => {
    if (error.code !== 'ABORTED') throw error;
  });
};
const packed = (compression: object) => serve({ compression });

for (const [whose, ranges, use] of [
  ['a server', { ...OF_BOTH, ...OF_SERVERS }, serve],
  ['a client', { ...OF_BOTH, ...OF_CLIENTS }, connect],
  ['compression', OF_COMPRESSION, packed],
] as const)
  for (const [name, [least, most]] of Object.entries(ranges))
    test(`the option ${name} of ${whose} may be ${least} to ${most}, and is refused with that range outside of it`, async () => {
      for (const value of [least, most, undefined]) await use({ [name]: value });
      const range = most === Number.MAX_SAFE_INTEGER ? `a number of at least ${least}` : `from ${least} to ${most}`;
      for (const value of [least - 1, most + 1, Number.NaN, `${least}`]) {
        const refused = async () => use({ [name]: value });
        await assert.rejects(refused, (error: { code: string; message: string }) => {
          assert.equal(error.code, 'BAD_OPTION');
          assert.ok(error.message.includes(`the option ${name} cannot be ${value}`), error.message);
          assert.ok(error.message.includes(range), error.message);
          return true;
        });
      }
    });
