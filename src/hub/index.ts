export type { Caller, Identity, UserConnection, Visitor } from './caller.ts';
export type {
  ChannelOptions,
  Permission,
  PublishHook,
  PublishRequest,
  SlowPolicy,
  SubscribeAnswer,
  SubscribeHook,
  SubscribeRequest,
  TextForm,
} from './channel-options.ts';
export { rightMissing } from './channels/permit.ts';
export type { Cluster, Reached } from './connections/cluster.ts';
export type { Connection } from './connections/connection.ts';
export type { ConnectionFacts } from './connections/local-answers.ts';
export type { TextConnection } from './connections/text-connection.ts';
export type { User as HubUser } from './connections/user.ts';
export { milliseconds } from './duration.ts';
export { answerOf, detailsOf } from './error-answer.ts';
export type { FanOut } from './fan-outs.ts';
export { Hub } from './hub.ts';
export type { HubLimits } from './limits.ts';
export type { CallRequest, Handler } from './methods.ts';
export type { HubObserver, MemberNews, Refusal, Taken } from './observer.ts';
export type { HubOptions, Trace } from './options.ts';
export type { HubMessage, Outgoing } from './outgoing.ts';
export { isNotice, metaOf, type Publication } from './publication.ts';
export type { HubPublishOptions } from './publish-options.ts';
export { type Action, compileGrant, isOwn, type Rights } from './rights.ts';
export { TokenBucket } from './token-bucket.ts';
export { type VisitorRequest, visitorRequest } from './visitor-request.ts';
export { type CloseReason, closeText, type Wire } from './wire.ts';
