import type { Client, ClientState } from '../client/index.ts';
import { Changing, type View } from './view.ts';

/** What there is to show of a connection. */
export interface ConnectionSnapshot {
  readonly state: ClientState;
  /** Why there is no connection, while `waiting` for the next attempt, and when the server ended it: `code` says it. */
  readonly why: Error | undefined;
  /** When the next attempt is, while `waiting`: milliseconds since 1970. */
  readonly retryAt: number | undefined;
  /** Our user's id, if the server knows it. */
  readonly user: string | undefined;
}

/** What there is before the client has connected, and on a server. */
export const CLOSED: ConnectionSnapshot = { state: 'closed', why: undefined, retryAt: undefined, user: undefined };

const views = new WeakMap<Client, View<ConnectionSnapshot>>();

/** The connection of a client, to show it. It does not connect by itself: the first use of the client does. */
export function connectionView(client: Client): View<ConnectionSnapshot> {
  const view = views.get(client) ?? make(client);
  views.set(client, view);
  return view;
}

function make(client: Client): View<ConnectionSnapshot> {
  const changing = new Changing<ConnectionSnapshot>(() => {
    const { state, why, retryIn, welcome } = client;
    return { state, why, retryAt: state === 'waiting' ? Date.now() + retryIn : undefined, user: welcome?.user };
  });
  // It lives as long as the client: without listeners nobody is told.
  client.on('state', () => changing.change());
  return { subscribe: (listener) => changing.listen(listener), getSnapshot: () => changing.snapshot };
}
