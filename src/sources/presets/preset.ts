import type { ZocaloError } from '../../errors.ts';
import type { Decoder } from '../decoding/index.ts';
import type { FrameDescription } from '../framing/index.ts';

/** What is known of a kind of device: how it frames, what it says, what it expects to hear. */
export interface Preset {
  /** Of a stream: TCP, TLS, a serial line. */
  readonly frame: FrameDescription;
  /** Of datagrams, where the kind comes by UDP. */
  readonly datagram?: FrameDescription;
  /** Data of a frame; without it the configuration says how to decode. */
  readonly decode?: Decoder;
  /** A template of the device's own name, from what was decoded. */
  readonly device?: string;
  /** Whether a frame says something to publish. Default: all do. Logins and pings do not; they are answered all the same. */
  readonly isReading?: (frame: Buffer) => boolean;
  /**
   * The bytes that a device expects when its frame has been stored, or undefined if it expects none. `now`: the time
   * for those that carry one.
   */
  readonly reply?: (frame: Buffer, now: Date) => Buffer | undefined;
}

/** A call of a device that speaks HTTP. */
export interface HttpCall {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** What a call of a device is about. */
export type HttpTopic =
  /** The device has started, and asks how it is to behave. */
  | 'hello'
  /** It brings records, or what we do not need. */
  | 'records'
  /** It asks for commands. */
  | 'commands'
  /** It tells how commands went. */
  | 'results'
  /** It only wants to hear that somebody is there. */
  | 'other';

export interface CommandResult {
  readonly id: number;
  /** Undefined: the command worked; otherwise what the device says. */
  readonly failure: string | undefined;
}

/** A kind of device that speaks HTTP: it needs routes, not a framer. */
export interface HttpPreset {
  /** Paths below which the device calls. */
  readonly path: string;
  /** The device's own name; undefined where a call has none. */
  readonly deviceOf: (call: HttpCall) => string | undefined;
  /** Undefined for a call that the kind does not know. */
  readonly topicOf: (call: HttpCall) => HttpTopic | undefined;
  /** The body of the answer to `hello`. */
  readonly hello: (device: string) => string;
  /** Data of the body of a call, by the query of its URL; a line that cannot be read is an error. */
  readonly decode: (query: URLSearchParams, body: string) => readonly (HttpRecord | ZocaloError)[];
  /** The body of the answer when `stored` records have been stored. */
  readonly reply: (query: URLSearchParams, stored: number) => string;
  /** The body that hands these commands over. */
  readonly commands: (commands: readonly { readonly id: number; readonly text: string }[]) => string;
  readonly resultsOf: (body: string) => readonly CommandResult[];
}

export type HttpRecord = Readonly<Record<string, string>>;
