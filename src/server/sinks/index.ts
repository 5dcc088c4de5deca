export { Sinks, type SinksParts } from './sinks.ts';
export { type Sink, sinksOf } from './sinks-of.ts';
