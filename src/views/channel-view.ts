import type { Client } from '../client/index.ts';
import {
  type Allowed,
  type AnyOf,
  type ChannelInput,
  type ChannelName,
  type ChannelOutput,
  type Contract,
  checkOptions,
} from '../protocol/index.ts';
import { ChannelStore, NOTHING, type Shared } from './channel-store.ts';
import type { ChannelActions, ChannelSnapshot, ChannelViewOptions } from './options.ts';
import type { View } from './view.ts';

/** A channel, to show it. It is subscribed to while somebody listens. */
export interface ChannelView<T = unknown, Input = T> extends View<ChannelSnapshot<T>>, ChannelActions<T, Input> {}

/** The view of a channel, by the contract of the client, or by the given type. */
export type ChannelViewOf<C extends Contract, Name extends string, T> = ChannelView<Read<C, Name, T>, Said<C, Name, T>>;

export type Read<C extends Contract, Name extends string, T> = [T] extends [never] ? ChannelOutput<C, Name> : T;
export type Said<C extends Contract, Name extends string, T> = [T] extends [never] ? ChannelInput<C, Name> : T;

/** Of a plain `Client`. */
// biome-ignore lint/suspicious/noExplicitAny: it has any contract.
export type AnyContract = any;

interface Used {
  /** How many listen. */
  users: number;
}

const clients = new WeakMap<Client, Shared & { readonly used: Map<ChannelStore, Used> }>();

function sharedOf(client: Client) {
  const shared = clients.get(client) ?? { stores: new Map(), own: new Set(), used: new Map() };
  clients.set(client, shared);
  return shared;
}

/**
 * A channel, to show it: its messages with our own at once, who is there, and older pages. Views of the same client,
 * channel and options share one subscription. It begins with the first listener, and ends when nobody has listened for a
 * moment: a component that is mounted again within a tick stays a member, and others see nothing of it.
 *
 * Making a view does nothing, and so does a view without listeners: on a server it has an empty snapshot.
 *
 * @throws ProtocolError BAD_OPTION.
 */
export function channelView<
  T = never,
  C extends Contract = AnyContract,
  const Name extends AnyOf<ChannelName<C>> = string,
>(
  client: Client<C>,
  channel: Name & Allowed<ChannelName<C>, Name>,
  options: ChannelViewOptions = {},
): ChannelViewOf<C, Name, T> {
  checkOptions(options, ['recent', 'presence', 'member', 'limit']);
  const id = `${channel} ${JSON.stringify(options)}`;
  const plain: Client = client;
  const find = () => clients.get(plain)?.stores.get(id);

  function hold(): ChannelStore {
    const shared = sharedOf(plain);
    let store = shared.stores.get(id);
    if (!store) {
      store = new ChannelStore(plain, channel, options, shared);
      store.start();
      shared.stores.set(id, store);
      shared.used.set(store, { users: 0 });
    }
    shared.used.get(store)!.users += 1;
    return store;
  }

  function release(store: ChannelStore): void {
    const { stores, used } = sharedOf(plain);
    const use = used.get(store)!;
    use.users -= 1;
    if (use.users > 0) return;
    // A view that is mounted in this tick takes it over.
    setTimeout(() => {
      if (use.users > 0 || !used.delete(store)) return;
      stores.delete(id);
      store.stop();
    });
  }

  /** For what is done without a listener, as in a test of a component. */
  const store = () => find() ?? new ChannelStore(plain, channel, options, sharedOf(plain));

  const view: ChannelView = {
    subscribe(listener) {
      const store = hold();
      const off = store.changing.listen(listener);
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        off();
        release(store);
      };
    },
    getSnapshot: () => find()?.changing.snapshot ?? NOTHING,
    publish: (data, options) => store().publish(data, options),
    loadOlder: (count) => store().loadOlder(count),
    setMember: (member) => store().setMember(member),
    retry: (row) => store().retry(row),
    discard: (row) => store().discard(row),
  };
  return view as unknown as ChannelViewOf<C, Name, T>;
}
