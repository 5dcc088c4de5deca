export { type Guess, learn } from './learn.ts';
export type { RecordedChunk } from './recording.ts';
