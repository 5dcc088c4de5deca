/**
 * Channels and connections as stores of Svelte, of any version: `$chat.messages`. They work while they are used, and on a
 * server they do nothing. Svelte itself is not needed here: a store is a contract.
 */
import type { Client } from '../client/index.ts';
import type { Allowed, AnyOf, ChannelName, Contract } from '../protocol/index.ts';
import {
  type AnyContract,
  type ChannelActions,
  type ChannelSnapshot,
  type ChannelViewOptions,
  type ConnectionSnapshot,
  channelView,
  connectionView,
  type PresenceSnapshot,
  type Read,
  type Said,
  type View,
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

/** What Svelte's `$` and `fromStore` take. */
export interface Readable<T> {
  /** Calls `run` now, and with each change. Returns a function that ends it. */
  subscribe(run: (value: T) => void): () => void;
}

/** The state of the connection, with why it waits. */
export function connection(client: Client): Readable<ConnectionSnapshot> {
  return storeOf(connectionView(client), (snapshot) => snapshot);
}

/**
 * A channel: its messages, who is there, and what may be done. Stores with the same options share one subscription. The
 * types are those of the client's contract, or `T`.
 *
 * @example
 * const chat = channel<{ text: string }>(client, 'chat:42', { recent: 50 });
 */
export function channel<T = never, C extends Contract = AnyContract, const Name extends AnyOf<ChannelName<C>> = string>(
  client: Client<C>,
  name: Name & Allowed<ChannelName<C>, Name>,
  options: ChannelViewOptions = {},
): Readable<ChannelSnapshot<Read<C, Name, T>>> & ChannelActions<Read<C, Name, T>, Said<C, Name, T>> {
  const view = channelView<T, C, Name>(client, name, options);
  const { publish, loadOlder, setMember, retry, discard } = view;
  const store = storeOf<ChannelSnapshot<Read<C, Name, T>>, ChannelSnapshot<Read<C, Name, T>>>(view, (shown) => shown);
  return { ...store, publish, loadOlder, setMember, retry, discard };
}

/** Who is in a channel, and with `member`, ourselves too. Messages do not change it. */
export function presence<C extends Contract, const Name extends AnyOf<ChannelName<C>>>(
  client: Client<C>,
  name: Name & Allowed<ChannelName<C>, Name>,
  options: Pick<ChannelViewOptions, 'member'> = {},
): Readable<PresenceSnapshot> {
  return storeOf(
    channelView<never, AnyContract, string>(client, name, { ...options, presence: true }),
    (snapshot) => snapshot.presence,
  );
}

function storeOf<Snapshot, Part>(view: View<Snapshot>, part: (snapshot: Snapshot) => Part): Readable<Part> {
  return {
    subscribe(run) {
      let shown = part(view.getSnapshot());
      // A component that is rendered on a server subscribes too, and must not connect.
      const off = typeof window === 'undefined' ? () => {} : view.subscribe(show);
      run(shown);
      return off;

      function show(): void {
        const next = part(view.getSnapshot());
        if (next !== shown) run(next);
        shown = next;
      }
    },
  };
}
