import { ZocaloError } from '../../errors.ts';
import { channelFault, isChannel, JsonText } from '../../protocol/index.ts';
import {
  channelTemplate,
  type Decoded,
  dataTemplate,
  decoderOf,
  type JsonValue,
  notDecoded,
  type Template,
  textTemplate,
} from '../decoding/index.ts';
import { PRESETS, type Preset } from '../presets/index.ts';
import type { AskFunction, DecodeFunction, DeviceDescription, Said, Sender } from './options.ts';

/** Characters: an IMEI has 15, a serial number or a MAC address not many more. */
const LONGEST_NAME = 128;

export interface Reading {
  readonly channel: string;
  readonly data: JsonText;
  readonly key: string | undefined;
  readonly time: string | undefined;
}

/** What a frame says, or one of the messages in it. */
export interface Heard {
  readonly device: string | undefined;
  /** What to publish. Undefined for a login or a ping. A reading that cannot be made is the error that says why. */
  readonly reading: Reading | ZocaloError | undefined;
  /** What the device is to hear once it is stored. */
  readonly reply: Buffer | undefined;
}

export function presetOf({ frame }: Pick<DeviceDescription, 'frame'>): Preset | undefined {
  return typeof frame === 'string' ? PRESETS[frame] : undefined;
}

type Fields = Readonly<Record<string, JsonValue>>;
type Heardable = Said & { readonly isReading?: boolean };
type Ask = (...asked: Parameters<AskFunction>) => Promise<Heardable | ZocaloError>;
type Answer = string | Uint8Array | ZocaloError | undefined;

/** Makes readings and answers of frames, by a description. It knows no line. */
export class Interpreter {
  readonly #ask: Ask;
  readonly #reply: (frame: Buffer, decoded: Decoded | undefined, fields: Fields) => Answer;
  readonly #channel: Template<string>;
  readonly #data: Template<JsonValue> | undefined;
  readonly #device: Template<string> | undefined;
  readonly #key: Template<string> | undefined;
  readonly #time: Template<string> | undefined;

  /**
   * `now`: milliseconds since 1970.
   * @throws ZocaloError BAD_OPTION for a description that cannot work.
   */
  constructor(description: DeviceDescription, now: () => number) {
    const { channel, data, key, time, reply = 'auto', decode } = description;
    const preset = presetOf(description);
    const template = (text: string | undefined) => (text === undefined ? undefined : textTemplate(text));
    this.#ask = asking(decode, preset);
    this.#channel = channelTemplate(channel);
    this.#data = data === undefined ? undefined : dataTemplate(data);
    this.#device = template(description.device ?? preset?.device);
    this.#key = template(key);
    this.#time = template(time);
    if (typeof reply === 'function') this.#reply = reply;
    else if (reply === 'auto') this.#reply = (frame) => preset?.reply?.(frame, new Date(now()));
    else {
      const fill = textTemplate(reply);
      this.#reply = (_frame, _decoded, fields) => fill(fields);
    }
  }

  /** The name of a device that is known by its address alone. */
  nameOf(address: string): string | undefined {
    return this.#name({ address });
  }

  /**
   * What a frame says: one thing or several, of which the last has the answer for the device. An error: the frame cannot
   * be read. @throws the signal's reason.
   */
  async read(frame: Buffer, sender: Sender, signal: AbortSignal): Promise<readonly Heard[] | ZocaloError> {
    try {
      const said = await this.#ask(frame, sender, signal);
      return said instanceof ZocaloError ? said : this.#all(said, sender, frame);
    } catch (cause) {
      signal.throwIfAborted();
      return failed(cause);
    }
  }

  /** The same for data that is there already. */
  take(decoded: Decoded, sender: Sender): Heard | ZocaloError {
    try {
      return this.#heard({ data: decoded }, sender, Buffer.alloc(0));
    } catch (cause) {
      return failed(cause);
    }
  }

  #all(said: Heardable, sender: Sender, frame: Buffer): readonly Heard[] | ZocaloError {
    const { messages, ...whole } = said;
    const { device } = said;
    // Of an empty list there is still the answer.
    const all = messages === undefined ? [whole] : messages.length === 0 ? [{}] : messages;
    const heard: Heard[] = [];
    for (const [at, message] of all.entries()) {
      const isLast = at === all.length - 1;
      const named = { ...message, device: message.device ?? device };
      const one = this.#heard({ ...named, reply: isLast ? said.reply : '' }, sender, frame);
      if (one instanceof ZocaloError) return one;
      heard.push(one);
    }
    return heard;
  }

  #heard(said: Heardable, sender: Sender, frame: Buffer): Heard | ZocaloError {
    const { data: decoded, isReading = true } = said;
    const own = { address: sender.address, ...fieldsOf(decoded), ...sender.fields };
    const device = nameIn(said.device) ?? this.#name(own) ?? sender.device;
    const fields: Fields = device === undefined ? own : { ...own, device };
    const reply = said.reply ?? this.#reply(frame, decoded, fields);
    if (reply instanceof ZocaloError) return reply;
    const bytes = typeof reply === 'string' ? Buffer.from(reply, 'latin1') : reply && Buffer.from(reply);
    return {
      device,
      reading: decoded === undefined || !isReading ? undefined : this.#reading(decoded, fields, said.channel),
      reply: bytes?.length ? bytes : undefined,
    };
  }

  #name(fields: Fields): string | undefined {
    return nameIn(this.#device?.(fields));
  }

  #reading(decoded: Decoded, fields: Fields, named: string | undefined): Reading | ZocaloError {
    const channel = named ?? this.#channel(fields);
    if (channel instanceof ZocaloError) return channel;
    if (!isChannel(channel)) return notDecoded(channelFault(channel));
    const data = this.#data ? this.#data(fields) : decoded;
    if (data instanceof ZocaloError) return data;
    const key = this.#key?.(fields);
    if (key instanceof ZocaloError) return key;
    const time = this.#time?.(fields);
    if (time instanceof ZocaloError) return time;
    return { channel, data: JsonText.of(data), key, time };
  }
}

/** How a frame is asked about. A preset's logins and pings are no readings, unless a function says what they are. */
function asking(decode: DeviceDescription['decode'], preset: Preset | undefined): Ask {
  if (typeof decode === 'object' && decode.kind === 'ask') return decode.ask;
  const read: DecodeFunction =
    typeof decode === 'function'
      ? decode
      : decode
        ? decoderOf(decode)
        : (preset?.decode ?? decoderOf({ kind: 'text' }));
  const isReading = (typeof decode !== 'function' && preset?.isReading) || (() => true);
  return async (frame) => {
    const data = await read(frame);
    return data instanceof ZocaloError ? data : { data, isReading: isReading(frame) };
  };
}

function failed(cause: unknown): ZocaloError {
  return notDecoded(`a function of the application failed: ${cause instanceof Error ? cause.message : cause}`);
}

function nameIn(name: unknown): string | undefined {
  return typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME ? name : undefined;
}

function fieldsOf(decoded: Decoded | undefined): Fields {
  const value = decoded instanceof JsonText ? decoded.value : decoded;
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : {};
}
