/** Zócalo as a library: sockets by URL, WebSockets, and the hub with its channels. */
export { type Broker, memory, redis, sqlite } from './broker/index.ts';
export { ERRORS, type ErrorCode, ZocaloError } from './errors.ts';
export {
  type Caller,
  type CallRequest,
  type ChannelOptions,
  type Connection as HubConnection,
  type Handler,
  Hub,
  type HubLimits,
  type HubObserver,
  type HubOptions,
  type HubPublishOptions,
  type HubUser,
  type Identity,
  type Permission,
  type PublishHook,
  type PublishRequest,
  type Rights,
  type SlowPolicy,
  type SubscribeAnswer,
  type SubscribeHook,
  type SubscribeRequest,
  type TextForm,
  type UserConnection,
  type Visitor,
  type VisitorRequest,
} from './hub/index.ts';
export { type Nodes, nodesOf } from './nodes/index.ts';
export {
  type BytesJson,
  type Contract,
  contract,
  type DataIssue,
  type DataIssues,
  JsonText,
  ProtocolError,
  type StandardSchema,
} from './protocol/index.ts';
export type { ConfigInput } from './server/config/index.ts';
export { HubServer, type ServeOptions, serve } from './server/transports/websocket/index.ts';
export * from './stream/index.ts';
export * from './websocket/index.ts';
