export type { Hearer } from './hearer.ts';
export { Learner } from './learner.ts';
export { type PlayerOptions, play } from './player.ts';
export { Recorder } from './recorder.ts';
export { lineOfEvent, type RecordedEvent, readRecording } from './recording.ts';
