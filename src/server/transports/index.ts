export { comeBack } from './come-back.ts';
export { OpenStreams } from './open-streams.ts';
export { ReaderPace } from './reader-pace.ts';
export { StreamFanOut, type StreamWire } from './stream-fan-out.ts';
export type { Traffic } from './traffic.ts';
