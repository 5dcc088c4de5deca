import type { Clock } from '../../clock.ts';
import type { ZocaloError } from '../../errors.ts';
import type { JsonText } from '../../protocol/index.ts';
import type { ConnectOptions, ListenOptions } from '../../stream/index.ts';
import type { DecodeDescription, Decoded, JsonValue } from '../decoding/index.ts';
import type { FrameDescription } from '../framing/index.ts';
import type { PresetName } from '../presets/index.ts';
import type { Command } from './command.ts';
import type { DeviceError } from './tally.ts';

/**
 * Puts a reading into a channel's log. It resolves once the reading is stored: only then does the device hear an answer.
 *
 * It rejects with a ProtocolError that may not be tried again, or with KEY_REUSED, where the reading will never be taken:
 * that one is reported and passed over. After any other rejection it is called again, with the same key, until it
 * resolves.
 */
export type Publish = (channel: string, data: JsonText, options: PublishOptions) => Promise<unknown>;

export interface PublishOptions {
  /** The same for each attempt. */
  readonly key: string;
  /** When it was measured, as the device says. */
  readonly time?: string;
}

/** Data of a frame; undefined for one that says nothing to publish, and is only answered. */
export type DecodeFunction = (
  frame: Buffer,
) => Decoded | ZocaloError | undefined | Promise<Decoded | ZocaloError | undefined>;

/** What is to be published of a frame. */
export interface Message {
  /** Default: the description's template. */
  readonly channel?: string | undefined;
  /** Default: the description's template, otherwise the name that the line has. */
  readonly device?: string | undefined;
  /** Undefined: there is nothing to publish. */
  readonly data?: Decoded | undefined;
}

/** What a program of the application says of a frame. */
export interface Said extends Message {
  /** Several messages of one frame, in their order, in place of `data`. */
  readonly messages?: readonly Message[] | undefined;
  /** What the device is to hear; a text's characters are bytes. Default: the description's `reply`. */
  readonly reply?: Uint8Array | string | undefined;
}

/** Whom a frame came from. */
export interface Sender {
  /** The host, without the port: the port of a device changes. */
  readonly address: string;
  /** What the line is known as. */
  readonly device: string | undefined;
  /** Fields that templates have besides; what was decoded does not replace them. */
  readonly fields?: Readonly<Record<string, JsonValue>>;
}

/**
 * Asks a program of the application what a frame says. The frames of a line are asked about one after the other; until
 * the answer comes, nothing more is read of it. `signal`: nobody waits for the answer any more.
 */
export type AskFunction = (frame: Buffer, sender: Sender, signal: AbortSignal) => Promise<Said | ZocaloError>;

/** For devices that speak only when they are asked. Times are in milliseconds. */
export interface PollDescription {
  /** From one round of requests to the next. */
  readonly every: number;
  /** The payload of a request, or of several, which are sent one after the other, each after the answer to the last. */
  readonly send: Command | readonly Command[];
  /** How long an answer may take. Default: 3,000. After three in a row that do not come, the line is ended. */
  readonly timeout?: number;
}

/** The bytes that the device is to hear once its frame is stored; a text's characters are bytes. */
export type ReplyFunction = (frame: Buffer, decoded: Decoded | undefined) => Uint8Array | string | undefined;

/** What to make of the frames of a kind of device. Templates have the fields that were decoded, `device`, `address`. */
export interface DeviceDescription {
  readonly frame: PresetName | FrameDescription;
  /** Default: the preset's, otherwise text. */
  readonly decode?: DecodeDescription | DecodeFunction | { readonly kind: 'ask'; readonly ask: AskFunction };
  /** A template of the channel's name: `door:{device}`. */
  readonly channel: string;
  /** A template of the data. Default: what was decoded. */
  readonly data?: JsonValue;
  /**
   * A template of the device's own name: `{imei}`. The first one that a line names is kept for the line. Default: the
   * preset's; with `dial` and `file`, `{address}`.
   */
  readonly device?: string;
  /**
   * A template that is the same when the device sends a reading again, and different for all others:
   * `{device} {serial}`. So a reading whose answer was lost is stored once. Default: each frame is a reading of its own.
   */
  readonly key?: string;
  /** A template of the device's own time. */
  readonly time?: string;
  /** `auto`: what the preset knows. Otherwise a template (its characters are bytes) or a function. Default: `auto`. */
  readonly reply?: string | ReplyFunction;
  /** `changed`: publishes only what differs from the last data of the channel. Default: all. */
  readonly only?: 'changed';
}

/** Times are in milliseconds, sizes in bytes. */
export interface DeviceLimits {
  /** Of the source. Beyond it, the oldest line that has not sent a good frame makes room, or the new one is refused. */
  readonly connections: number;
  /** How many devices are remembered while they are away. */
  readonly devices: number;
  /** How many commands are kept for a device. */
  readonly commands: number;
  /** How many frames of a line are handed over at once; it is read on when all of them are stored. */
  readonly window: number;
  /** A frame that has begun is given up after this silence. */
  readonly giveUp: number;
  /** A line that is silent for so long is ended. 0: never; TCP's keep-alive notices a peer that is gone. */
  readonly silence: number;
}

export const DEVICE_LIMITS: DeviceLimits = {
  connections: 1_000, // a program's usual share of open files
  devices: 10_000, // about 2 MB
  commands: 100,
  window: 64, // one commit of the log for so many
  giveUp: 30_000, // longer than a mobile network pauses within a message
  silence: 0,
};

export interface DeviceOptions extends DeviceDescription, Partial<DeviceLimits> {
  readonly poll?: PollDescription;
  /** For logs. Default: the address. */
  readonly name?: string;
  /** Addresses and networks (`192.0.2.0/24`) that may connect. Default: all. */
  readonly addresses?: readonly string[];
  /** Names that devices may have. Default: all. */
  readonly ids?: readonly string[];
  /** `tcp://`, `tls://`, `udp://` or `unix:`, to listen on. One of this, `dial` and `file`. */
  readonly listen?: string;
  /** The address of a device that waits to be called. */
  readonly dial?: string;
  /** The path of a serial port, another device of the system, or a FIFO. */
  readonly file?: string;
  /** Certificates for `tls://`. */
  readonly tls?: Pick<ListenOptions & ConnectOptions, 'cert' | 'key' | 'ca' | 'servername' | 'rejectUnauthorized'>;
}

/** What a report is about. */
export interface About {
  readonly source: string;
  readonly address?: string;
  readonly device?: string;
  /** How many times the same was left out since it was last told, so that one device cannot fill the log. */
  readonly omitted: number;
}

export interface DeviceState {
  readonly device: string;
  readonly here: boolean;
  /** Of its line, while it is here. */
  readonly address: string | undefined;
  /** When its last frame came, in milliseconds since 1970; undefined if none has. */
  readonly lastSeen: number | undefined;
  /** How many commands wait for it. */
  readonly waiting: number;
  /** How many frames it has sent, since the source has known it. */
  readonly frames: number;
  /** How many of these, and of their readings, were not taken. */
  readonly errors: number;
  /** The last of them. */
  readonly lastError: DeviceError | undefined;
}

export interface DeviceEnvironment {
  readonly publish: Publish;
  readonly report?: (error: ZocaloError, about: About) => void;
  /** A device has come or gone. */
  readonly onDevice?: (state: DeviceState) => void;
  readonly clock?: Clock;
  /** The time of day, in milliseconds since 1970. */
  readonly now?: () => number;
  /** 0 to 1. */
  readonly random?: () => number;
  /** Makes a text that was never used before. */
  readonly makeId?: () => string;
}
