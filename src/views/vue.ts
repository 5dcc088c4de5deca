/** Channels and connections in Vue 3.3 and newer. In a component they begin when it is mounted, so not on a server. */
import {
  type ComputedRef,
  computed,
  getCurrentInstance,
  type MaybeRefOrGetter,
  onMounted,
  type ShallowRef,
  shallowRef,
  toValue,
  watch,
} from 'vue';
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

/** Each part of a snapshot as a ref. */
export type Refs<Snapshot> = { readonly [Name in keyof Snapshot]: ComputedRef<Snapshot[Name]> };

/** The state of the connection, with why it waits. */
export function useConnection(client: Client): Refs<ConnectionSnapshot> {
  const snapshot = useView(() => connectionView(client));
  return {
    state: computed(() => snapshot.value.state),
    why: computed(() => snapshot.value.why),
    retryAt: computed(() => snapshot.value.retryAt),
    user: computed(() => snapshot.value.user),
  };
}

/**
 * A channel while the component is mounted, or until the effect scope ends: its messages, who is there, and what may be
 * done. The channel and the options may be refs or getters. The types are those of the client's contract, or `T`.
 *
 * @example
 * const { messages, publish } = useChannel<{ text: string }>(client, () => `chat:${props.room}`, { recent: 50 });
 */
export function useChannel<
  T = never,
  C extends Contract = AnyContract,
  const Name extends AnyOf<ChannelName<C>> = string,
>(
  client: Client<C>,
  channel: MaybeRefOrGetter<Name & Allowed<ChannelName<C>, Name>>,
  options: MaybeRefOrGetter<ChannelViewOptions> = {},
): Refs<ChannelSnapshot<Read<C, Name, T>>> & ChannelActions<Read<C, Name, T>, Said<C, Name, T>> {
  const view = computed(() => channelView<T, C, Name>(client, toValue(channel), toValue(options)));
  const snapshot = useView<ChannelSnapshot<Read<C, Name, T>>>(() => view.value);
  return {
    messages: computed(() => snapshot.value.messages),
    presence: computed(() => snapshot.value.presence),
    state: computed(() => snapshot.value.state),
    error: computed(() => snapshot.value.error),
    data: computed(() => snapshot.value.data),
    hasOlder: computed(() => snapshot.value.hasOlder),
    isLoadingOlder: computed(() => snapshot.value.isLoadingOlder),
    gap: computed(() => snapshot.value.gap),
    publish: (data, options) => view.value.publish(data, options),
    loadOlder: (count) => view.value.loadOlder(count),
    setMember: (member) => view.value.setMember(member),
    retry: (row) => view.value.retry(row),
    discard: (row) => view.value.discard(row),
  };
}

/** Who is in a channel, and with `member`, ourselves too. */
export function usePresence<C extends Contract, const Name extends AnyOf<ChannelName<C>>>(
  client: Client<C>,
  channel: MaybeRefOrGetter<Name & Allowed<ChannelName<C>, Name>>,
  options: MaybeRefOrGetter<Pick<ChannelViewOptions, 'member'>> = {},
): ComputedRef<PresenceSnapshot> {
  const snapshot = useView(() =>
    channelView<never, AnyContract, string>(client, toValue(channel), { ...toValue(options), presence: true }),
  );
  return computed(() => snapshot.value.presence);
}

/** What a view shows, while this component is mounted. `source` may return another view later. */
function useView<Snapshot>(source: () => View<Snapshot>): ShallowRef<Snapshot> {
  const view = computed(source);
  const snapshot = shallowRef(view.value.getSnapshot()) as ShallowRef<Snapshot>;
  const begin = () =>
    watch(
      view,
      (view, _, onCleanup) => {
        const show = () => {
          snapshot.value = view.getSnapshot();
        };
        onCleanup(view.subscribe(show));
        show();
      },
      { immediate: true },
    );
  if (getCurrentInstance()) onMounted(begin);
  else begin();
  return snapshot;
}
