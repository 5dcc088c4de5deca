export { addressList } from './allowed.ts';
export { type Command, commandBytes } from './command.ts';
export { Dialer } from './dialer.ts';
export { type Heard, Interpreter } from './interpreter.ts';
export {
  type About,
  type AskFunction,
  DEVICE_LIMITS,
  type DecodeFunction,
  type DeviceDescription,
  type DeviceEnvironment,
  type DeviceLimits,
  type DeviceOptions,
  type DeviceState,
  type Message,
  type PollDescription,
  type Publish,
  type PublishOptions,
  type ReplyFunction,
  type Said,
  type Sender,
} from './options.ts';
export { Readings, type ReadingsContext } from './readings.ts';
export { Reports } from './reports.ts';
export { DeviceSource } from './source.ts';
export { DeviceTally } from './tally.ts';
export { noTotals, type Totals } from './totals.ts';
