/** Zócalo as a library: sockets by URL, and WebSockets. */
export { ADVICE, type ErrorCode, ZocaloError } from './errors.ts';
export * from './stream/index.ts';
export * from './websocket/index.ts';
