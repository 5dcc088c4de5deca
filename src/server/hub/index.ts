export { HubServer, type ServeOptions, serve, type Traffic } from './hub-server.ts';
