export { PushHandler } from './push-handler.ts';
export { Sources, type SourcesParts } from './sources.ts';
