export {
  type Broker,
  DEFAULT_KEEP,
  type Entry,
  type Erasable,
  type Keep,
  type Listener,
  type LogGap,
  type LogState,
  type Page,
  type PageBounds,
  type Publication,
  type Receipt,
  sizeOf,
} from './broker.ts';
export type { KeyWindow } from './key-window.ts';
export { MemoryBroker, type MemoryOptions, memory } from './memory.ts';
export { SqliteBroker, type SqliteOptions, sqlite } from './sqlite.ts';
