import type { Hub, UserConnection } from '../../hub/index.ts';
import { compilePattern, isPattern, ProtocolError } from '../../protocol/index.ts';
import { checkOffered } from './offered.ts';
import { checkDepth, permit, type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

/** Looking up channels, and who is there. */
export function lookingUpRoutes(hub: Hub): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/history',
      summary: "A page of a channel's log, in ascending order.",
      right: 'read',
      query: schemas.historyQuery,
      answer: schemas.history,
      handle: ({ caller, query: { channel, at, limit } }) => {
        permit(caller, 'read', channel);
        checkOffered(hub, caller, 'read', channel);
        return hub.historyText(channel, { ...(at && { at }), ...(limit !== undefined && { limit }) });
      },
    }),
    route({
      method: 'GET',
      path: '/api/presence',
      summary: 'Who is in a channel, on this node.',
      right: 'read',
      query: schemas.channelQuery,
      answer: schemas.presence,
      handle: ({ caller, query: { channel } }) => {
        permit(caller, 'read', channel);
        checkOffered(hub, caller, 'read', channel);
        return hub.presenceText(channel);
      },
    }),
    route({
      method: 'GET',
      path: '/api/channels',
      summary: 'The channels that somebody is subscribed to, by name.',
      right: 'read',
      query: schemas.channelsQuery,
      answer: schemas.channels,
      handle: ({ caller, query: { pattern = '*', ...rest } }) => {
        const matches = isPattern(pattern) ? compilePattern(pattern) : (name: string) => name === pattern;
        const names = hub.channels.filter((name) => matches(name) && caller!.may('read', name));
        const { items, next } = page(names, rest);
        const channels = items.map((channel) => ({
          channel,
          subscribers: hub.subscribers(channel),
          members: hub.presence(channel).count,
        }));
        return { channels, ...next };
      },
    }),
    route({
      method: 'GET',
      path: '/api/users',
      summary: 'The users who are connected, by id.',
      right: 'read',
      query: schemas.pageQuery,
      answer: schemas.users,
      handle: ({ query }) => {
        const { items, next } = page(hub.users, query);
        const users = items.map((id) => {
          const { connections } = hub.user(id);
          return { id, connections: connections.length, since: Math.min(...connections.map(({ since }) => since)) };
        });
        return { users, ...next };
      },
    }),
    route({
      method: 'GET',
      path: '/api/users/:id',
      summary: 'A user and their connections. One who is not connected is no error.',
      right: 'read',
      answer: schemas.user,
      handle: ({ params }) => {
        const id = params.id!;
        const { connections } = hub.user(id);
        return { id, online: connections.length > 0, connections: connections.map(described) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/connections',
      summary: 'Everybody who is connected, known or not, by the id of the connection.',
      right: 'read',
      query: schemas.pageQuery,
      answer: schemas.connections,
      handle: ({ query }) => {
        const all = new Map(hub.connections.map((connection) => [connection.id, connection]));
        const { items, next } = page([...all.keys()], query);
        return { connections: items.map((id) => described(all.get(id)!)), ...next };
      },
    }),
  ];
}

/** What makes known who somebody is: for renewing and revoking. */
export interface Sessions {
  /** Revokes every token and session of the user. */
  revoke?(user: string): unknown;
  /** Checks a password. */
  login?(user: string, password: string, address: string): Promise<{ token: string; expiresIn?: number }>;
}

/** Doing something to a user. */
export function userRoutes(hub: Hub, sessions: Sessions): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/users/:id/send',
      summary: 'Sends data to each connection of a user, outside of any channel.',
      right: 'users',
      body: schemas.sendBody,
      hasData: true,
      answer: schemas.reached,
      handle: ({ params, body: { data } }) => {
        checkDepth(data);
        return { connections: hub.user(params.id!).send(data) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/disconnect',
      summary: 'Ends each connection of a user. They do not come back by themselves.',
      right: 'users',
      body: schemas.reasonBody,
      mayLackBody: true,
      answer: schemas.reached,
      handle: ({ params, body }) =>
        reach(hub, params.id!, (connection) => connection.end('CLOSED', body.message ?? 'you were disconnected')),
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/unsubscribe',
      summary: 'Takes a channel from each connection of a user.',
      right: 'users',
      body: schemas.channelQuery,
      answer: schemas.reached,
      handle: ({ params, body }) =>
        reach(hub, params.id!, (connection) => connection.unsubscribe(body.channel, 'FORBIDDEN')),
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/revoke',
      summary: 'Revokes every token and session of the user, and ends their connections.',
      right: 'users',
      body: schemas.reasonBody,
      mayLackBody: true,
      answer: schemas.reached,
      handle: async ({ params, body }) => {
        if (!sessions.revoke) throw new ProtocolError('NOT_OFFERED', 'this server knows no sessions to revoke');
        await sessions.revoke(params.id!);
        return reach(hub, params.id!, (connection) =>
          connection.end('UNAUTHORIZED', body.message ?? 'your session was revoked'),
        );
      },
    }),
    route({
      method: 'POST',
      path: '/api/refresh',
      summary: "Makes a user's clients reconnect at once, so that they are authenticated again.",
      right: 'users',
      body: schemas.refreshBody,
      answer: schemas.reached,
      // The code is the one that every client knows to come back from, with what it was subscribed to.
      handle: ({ body }) =>
        reach(hub, body.user, (connection) => connection.end('SHUTTING_DOWN', 'come back: your rights have changed')),
    }),
  ];
}

function reach(hub: Hub, user: string, action: (connection: UserConnection) => unknown): { connections: number } {
  const { connections } = hub.user(user);
  return { connections: connections.filter((connection) => action(connection) !== false).length };
}

function described({ id, user, since, channels, request }: UserConnection): object {
  const { remoteAddress } = (request ?? {}) as { remoteAddress?: string };
  return {
    id,
    ...(user !== undefined && { user }),
    since,
    channels,
    ...(remoteAddress !== undefined && { address: remoteAddress }),
  };
}

interface PageOptions {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** So many of the names, in the order of their characters. */
function page(names: readonly string[], { limit = 100, after }: PageOptions) {
  const sorted = names.filter((name) => after === undefined || name > after).toSorted(inOrder);
  const items = sorted.slice(0, limit);
  return { items, next: sorted.length > limit ? { next: items.at(-1)! } : {} };
}

function inOrder(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
