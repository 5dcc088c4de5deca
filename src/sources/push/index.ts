export { type PushAnswer, type PushCall, type PushOptions, PushSource } from './source.ts';
