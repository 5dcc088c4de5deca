/** What React, Vue and Svelte share, and other frameworks may use: channels and connections, to show them. */

export { NOTHING } from './channel-store.ts';
export {
  type AnyContract,
  type ChannelView,
  type ChannelViewOf,
  channelView,
  type Read,
  type Said,
} from './channel-view.ts';
export { CLOSED, type ConnectionSnapshot, connectionView } from './connection-view.ts';
export type {
  ChannelActions,
  ChannelSnapshot,
  ChannelViewOptions,
  PresenceSnapshot,
  Publishing,
} from './options.ts';
export type { Row } from './rows.ts';
export type { View } from './view.ts';
