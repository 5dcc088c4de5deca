import type { Negotiation } from './deflate.ts';
import type { Frame } from './frame.ts';
import type { ClientOptions } from './under-test.ts';

/** What the implementation under test is in a case. The other end is the raw peer. */
export type Role = 'server' | 'client';

export type Event =
  | { kind: 'text' | 'binary' | 'ping' | 'pong'; payload: Buffer }
  /** The connection was still open after a pause of the script. */
  | { kind: 'pause'; name: string };

export type Action =
  /** Sends frames in one write, or a write each ('frame'), or in chops of so many octets. */
  | { send: Frame[]; chop?: number | 'frame' }
  /** Sends the payload's octets `from` up to `to` of one frame; the header goes before octet 0. */
  | { part: Frame; from: number; to: number }
  /** Goes on when so many events have come. */
  | { events: number }
  /** Goes on after so many turns of the loop; without a number after the end, or a grace when no end comes. */
  | { pause: string; turns?: number }
  /** Sends message after message, each when the echo of the one before has come. */
  | { rally: number; message: (index: number) => Frame; fragment?: number }
  /** Ends the TCP connection without a Close: its own direction, or all of it at once. */
  | { hangUp: 'end' | 'reset' };

/** How the connection may end. */
export interface End {
  /** Who sends the first Close; a connection dropped without any counts as ended by the subject. */
  by: 'peer' | 'subject';
  /** What the subject's Close may carry. No code is allowed too, unless `exact`. */
  codes: number[];
  exact?: true;
  reason?: string;
  /** The closing handshake must be completed, and the server must close the TCP connection first. */
  clean: boolean;
}

export interface Case {
  /** As in the Autobahn test suite up to group 13; 20 and above are this suite's own. */
  id: string;
  title: string;
  /** Default: both. */
  roles?: Role[];
  script: Action[];
  /** The events that make the case OK. */
  expect: Event[];
  /** The events that make it NON-STRICT. */
  nonStrict?: Event[];
  /** How it ends when it is NON-STRICT, if not the same. */
  nonStrictEnd?: End;
  end: End;
  /** Nothing is prescribed; only the end of the connection is awaited. */
  informational?: true;
  deflate?: Negotiation;
  /** The path that the peer asks for, when the subject is the server. Default /echo. */
  path?: string;
  /** What the subject is told to do, when it is the client. */
  client?: ClientOptions;
  /** Milliseconds after which a case has failed. Default 20 seconds. */
  patience?: number;
}

export type Grade = 'OK' | 'NON-STRICT' | 'FAILED' | 'INFORMATIONAL' | 'UNIMPLEMENTED';

export interface Verdict {
  grade: Grade;
  /** The code of the subject's Close; undefined when none came. */
  code?: number | undefined;
  /** Why it is not OK. */
  why?: string;
}

export const CLOSED_BY_PEER: End = { by: 'peer', codes: [1000], clean: true };
export const PROTOCOL_ERROR: End = { by: 'subject', codes: [1002], clean: false };
export const INVALID_PAYLOAD: End = { by: 'subject', codes: [1007], clean: false };

const bytes = (payload: string | Buffer) => (typeof payload === 'string' ? Buffer.from(payload) : payload);
export const gotText = (payload: string | Buffer): Event => ({ kind: 'text', payload: bytes(payload) });
export const gotBinary = (payload: string | Buffer): Event => ({ kind: 'binary', payload: bytes(payload) });
export const gotPong = (payload: string | Buffer = ''): Event => ({ kind: 'pong', payload: bytes(payload) });
export const stillOpen = (name: string): Event => ({ kind: 'pause', name });
