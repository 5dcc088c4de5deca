export { LineServer, type LineServerOptions } from './line-server.ts';
