/** Channels and connections in React 18 and newer. They use `useSyncExternalStore`, and on a server they do nothing. */
import { useMemo, useSyncExternalStore } from 'react';
import type { Client } from '../client/index.ts';
import type { Allowed, AnyOf, ChannelName, Contract } from '../protocol/index.ts';
import {
  type AnyContract,
  type ChannelActions,
  type ChannelSnapshot,
  type ChannelViewOptions,
  CLOSED,
  type ConnectionSnapshot,
  channelView,
  connectionView,
  NOTHING,
  type PresenceSnapshot,
  type Read,
  type Said,
} from './index.ts';

export type {
  ChannelActions,
  ChannelSnapshot,
  ChannelViewOptions,
  ConnectionSnapshot,
  PresenceSnapshot,
  Publishing,
  Row,
} from './index.ts';

/** The state of the connection, with why it waits. */
export function useConnection(client: Client): ConnectionSnapshot {
  const { subscribe, getSnapshot } = connectionView(client);
  return useSyncExternalStore(subscribe, getSnapshot, () => CLOSED);
}

/**
 * A channel while the component is mounted: its messages, who is there, and what may be done. Components with the same
 * options share one subscription. The types are those of the client's contract, or `T`.
 *
 * @example
 * const { messages, publish } = useChannel<{ text: string }>(client, 'chat:42', { recent: 50 });
 */
export function useChannel<
  T = never,
  C extends Contract = AnyContract,
  const Name extends AnyOf<ChannelName<C>> = string,
>(
  client: Client<C>,
  channel: Name & Allowed<ChannelName<C>, Name>,
  options: ChannelViewOptions = {},
): ChannelSnapshot<Read<C, Name, T>> & ChannelActions<Read<C, Name, T>, Said<C, Name, T>> {
  // The options are a new object at each rendering; the same text is the same options, which may have bytes.
  const wishes = JSON.stringify(options);
  const view = useMemo(() => channelView<T, C, Name>(client, channel, options), [client, channel, wishes]);
  const snapshot = useSyncExternalStore<ChannelSnapshot<Read<C, Name, T>>>(
    view.subscribe,
    view.getSnapshot,
    () => NOTHING,
  );
  return useMemo(() => {
    const { publish, loadOlder, setMember, retry, discard } = view;
    return { ...snapshot, publish, loadOlder, setMember, retry, discard };
  }, [snapshot, view]);
}

/** Who is in a channel, and with `member`, ourselves too. Messages do not render the component again. */
export function usePresence<C extends Contract, const Name extends AnyOf<ChannelName<C>>>(
  client: Client<C>,
  channel: Name & Allowed<ChannelName<C>, Name>,
  options: Pick<ChannelViewOptions, 'member'> = {},
): PresenceSnapshot {
  const wishes = JSON.stringify({ ...options, presence: true });
  const view = useMemo(
    () => channelView<never, AnyContract, string>(client, channel, { ...options, presence: true }),
    [client, channel, wishes],
  );
  return useSyncExternalStore(
    view.subscribe,
    () => view.getSnapshot().presence,
    () => NOTHING.presence,
  );
}
