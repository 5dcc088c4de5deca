export {
  type AnswerData,
  type AnswerInput,
  type AnswerName,
  type AnswerResult,
  type AnswerReturn,
  type ChannelInput,
  type ChannelName,
  type ChannelOutput,
  type Contract,
  contract,
  type DataIssue,
  type DataIssues,
  type Gap,
  type Member,
  type MethodInput,
  type MethodName,
  type MethodResult,
  type Position,
  type Presence,
  ProtocolError,
  type StandardSchema,
  type Welcome,
} from '../protocol/index.ts';
export { type AnswerHandler, type Asking, answer } from './answer.ts';
export { Client } from './client.ts';
export type { ClientEvents, ClientOptions, ClientState, SubscribeOptions } from './client-options.ts';
export { closeWhenSent } from './close-when-sent.ts';
export type { FeedState } from './feed.ts';
export { follow } from './follow.ts';
export { keptIn, type OutboxStorage } from './kept.ts';
export type { Network } from './liveness.ts';
export type { HistoryOptions, HistoryPage } from './lookups.ts';
export type { GapEvent, Message, PatternGapEvent, PresenceEvent, SkipEvent } from './messages.ts';
export { onEvent } from './on-event.ts';
export type { OutboxStore, PublicationOptions, Waiting } from './outbox.ts';
export {
  browserTimers,
  type PlainSocket,
  ReconnectingSocket,
  type ReconnectingSocketOptions,
  type SocketState,
  type Timers,
} from './reconnecting-socket.ts';
export type { WaitOptions } from './requests.ts';
export type { Login, NegotiatedSocket, Token } from './session-options.ts';
export type { Subscription, SubscriptionEvents } from './subscription.ts';
