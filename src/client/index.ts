export { type Gap, type Member, type Position, type Presence, ProtocolError, type Welcome } from '../protocol/index.ts';
export { Client, type ClientEvents, type ClientOptions, type ClientState, type SubscribeOptions } from './client.ts';
export type { Login, Token } from './credentials.ts';
export type { FeedState } from './feed.ts';
export type { Network } from './liveness.ts';
export type { HistoryOptions, HistoryPage } from './lookups.ts';
export type { GapEvent, Message, PatternGapEvent, PresenceEvent, SkipEvent } from './messages.ts';
export type { OutboxStorage, Waiting } from './outbox.ts';
export {
  browserTimers,
  type PlainSocket,
  ReconnectingSocket,
  type ReconnectingSocketOptions,
  type SocketState,
  type Timers,
} from './reconnecting-socket.ts';
export type { NegotiatedSocket } from './session-options.ts';
export type { Subscription, SubscriptionEvents } from './subscription.ts';
