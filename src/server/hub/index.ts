export { HubServer, type ServeOptions, serve, type Traffic } from './hub-server.ts';
export { LineServer, type LineServerOptions } from './line-server.ts';
export { StreamFanOut, type StreamWire } from './stream-fan-out.ts';
export { WebListener } from './web-listener.ts';
