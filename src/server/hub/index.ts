export { HubServer, type ServeOptions, serve } from './hub-server.ts';
