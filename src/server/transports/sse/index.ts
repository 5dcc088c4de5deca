export { Events, type EventsOptions } from './sse.ts';
