export { HubServer, type ServeOptions, serve } from './hub-server.ts';
export { WebListener } from './web-listener.ts';
