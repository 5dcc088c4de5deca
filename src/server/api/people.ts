import type { Hub } from '../../hub/index.ts';
import { JsonText, ProtocolError } from '../../protocol/index.ts';
import { checkOffered } from './offered.ts';
import { checkDepth, permit, type Route, route } from './route.ts';
import * as schemas from './schemas.ts';

/** The routes that read: history, presence, channels, users, connections. */
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
      summary: 'Who is in a channel, on all nodes.',
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
      handle: ({ caller, query }) => hub.cluster.channels({ ...query, matches: (name) => caller!.may('read', name) }),
    }),
    route({
      method: 'GET',
      path: '/api/users',
      summary: 'The users who are connected, by id.',
      right: 'read',
      query: schemas.pageQuery,
      answer: schemas.users,
      handle: ({ query }) => hub.cluster.users(query),
    }),
    route({
      method: 'GET',
      path: '/api/users/:id',
      summary: 'A user and their connections. A user who is not connected is not an error.',
      right: 'read',
      query: schemas.hereQuery,
      answer: schemas.user,
      handle: async ({ params, query }) => {
        const id = params.id!;
        const { connections, ...rest } = await hub.cluster.user(id, query);
        return { id, online: connections.length > 0, connections, ...rest };
      },
    }),
    route({
      method: 'GET',
      path: '/api/connections',
      summary: 'All connections, anonymous ones too, by id.',
      right: 'read',
      query: schemas.pageQuery,
      answer: schemas.connections,
      handle: ({ query }) => hub.cluster.connections(query),
    }),
  ];
}

/** Logins, and their revocation. */
export interface Sessions {
  /** Revokes every token and session of the user. */
  revoke?(user: string, message: string): unknown;
  /** Checks a password. */
  login?(user: string, password: string, address: string): Promise<{ token: string; expiresIn?: number }>;
}

/** The routes that act on a user. */
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
      handle: ({ params, body: { data, ...reach } }) => {
        checkDepth(data);
        return hub.cluster.send(params.id!, data, reach);
      },
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/call',
      summary: 'Calls a method that clients of a user answer. All are asked, and the first result counts.',
      right: 'users',
      body: schemas.callBody,
      hasData: true,
      answer: schemas.called,
      handle: async ({ params, body: { method, data, ...options } }) => {
        if (data) checkDepth(data);
        const { text } = await hub.cluster.calls.call(params.id!, method, data, options);
        return JsonText.written(`{"result":${text}}`);
      },
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/disconnect',
      summary: 'Ends each connection of a user. The clients do not reconnect by themselves.',
      right: 'users',
      body: schemas.reasonBody,
      mayLackBody: true,
      answer: schemas.reached,
      handle: ({ params, body }) =>
        hub.cluster.end(params.id!, 'CLOSED', body.message ?? 'you were disconnected', body),
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/subscribe',
      summary: 'Has each connection of a user subscribe to a channel, if its client follows the server.',
      right: 'users',
      body: schemas.subscribeBody,
      answer: schemas.reached,
      handle: ({ params, body: { channel, ...reach } }) => hub.cluster.subscribe(params.id!, channel, reach),
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/unsubscribe',
      summary: 'Unsubscribes each connection of a user from a channel.',
      right: 'users',
      body: schemas.unsubscribeBody,
      answer: schemas.reached,
      handle: ({ params, body }) => hub.cluster.unsubscribe(params.id!, body.channel, 'FORBIDDEN', body),
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/revoke',
      summary: 'Revokes every token and session of the user, and ends their connections.',
      right: 'users',
      body: schemas.revokeBody,
      mayLackBody: true,
      answer: schemas.reached,
      handle: async ({ params, body }) => {
        if (!sessions.revoke) throw new ProtocolError('NOT_OFFERED', 'this server knows no sessions to revoke');
        const message = body.message ?? 'your session was revoked';
        // Counted before, since nodes end them as soon as they hear of it.
        const before = await hub.cluster.user(params.id!).catch(() => undefined);
        await sessions.revoke(params.id!, message);
        const reached = await hub.cluster.end(params.id!, 'UNAUTHORIZED', message);
        return { ...reached, connections: before?.connections.length ?? reached.connections };
      },
    }),
    route({
      method: 'POST',
      path: '/api/refresh',
      summary: "Makes a user's clients reconnect at once, so that they are authenticated again.",
      right: 'users',
      body: schemas.refreshBody,
      answer: schemas.reached,
      // Every client reconnects after this code, and subscribes again.
      handle: ({ body }) => hub.cluster.end(body.user, 'SHUTTING_DOWN', 'come back: your rights have changed', body),
    }),
  ];
}
