export { CHECKSUMS, type Checksum, type ChecksumName } from './checksums/index.ts';
export {
  type AttachOptions,
  type ConsumerOptions,
  type ConsumerStatus,
  canNotify,
  DATABASE_FORMS,
  dialectOf,
  inspectOutbox,
  type LookedUp,
  Lookup,
  type LookupOptions,
  NotificationListener,
  OutboxConsumer,
  openNotifications,
  openOutbox,
  type Plan,
  placeOf,
  planAttach,
  planDetach,
} from './databases/index.ts';
export {
  Changes,
  channelTemplate,
  type DecodeDescription,
  type Decoded,
  type Decoder,
  dataTemplate,
  decoderOf,
  type JsonValue,
  type Template,
  textTemplate,
} from './decoding/index.ts';
export {
  type About,
  type AskFunction,
  addressList,
  type Command,
  commandBytes,
  DEVICE_LIMITS,
  type DecodeFunction,
  type DeviceDescription,
  type DeviceEnvironment,
  type DeviceLimits,
  type DeviceOptions,
  DeviceSource,
  type DeviceState,
  type Message,
  type PollDescription,
  type Publish,
  type PublishOptions,
  type ReplyFunction,
  type Said,
  type Sender,
  type Totals,
} from './devices/index.ts';
export {
  type CheckDescription,
  type FrameDescription,
  type Framer,
  type FramerEnvironment,
  framerFactory,
} from './framing/index.ts';
export { type Guess, learn, type RecordedChunk } from './learning/index.ts';
export { MQTT_FORM, type MqttOptions, MqttSource, parseBroker, TopicPattern } from './mqtt/index.ts';
export { HTTP_PRESETS, type HttpPreset, PRESETS, type Preset, type PresetName } from './presets/index.ts';
export { type PushAnswer, type PushCall, type PushOptions, PushSource } from './push/index.ts';
export { inspectTable, openTable, type Published, rowTemplate, SinkWriter, type WriterStatus } from './sinks/index.ts';
