export { type Gap, type Member, type Position, ProtocolError, type Welcome } from '../protocol/index.ts';
export { Client, type ClientEvents, type ClientOptions, type ClientState, type SubscribeOptions } from './client.ts';
export { FEED_TRANSITIONS, type FeedState } from './feed.ts';
export type { Network } from './liveness.ts';
export type { GapEvent, Message, PresenceEvent, SkipEvent } from './messages.ts';
export type { OutboxStorage, Waiting } from './outbox.ts';
export {
  browserTimers,
  LEGAL as CLIENT_TRANSITIONS,
  type PlainSocket,
  pauseBefore,
  ReconnectingSocket,
  type ReconnectingSocketOptions,
  type SocketState,
  type Timers,
} from './reconnecting-socket.ts';
export type { Login, NegotiatedSocket, Token } from './session.ts';
export type { HistoryOptions, HistoryPage, Subscription, SubscriptionEvents } from './subscription.ts';
