import { type Code, compilePattern, isPattern, JsonText } from '../../protocol/index.ts';
import type { UserConnection } from '../caller.ts';
import type { Channels } from '../channels/channels.ts';
import { type PageOptions, pageOf } from './paging.ts';
import type { Users } from './users.ts';

export interface ConnectionFacts {
  readonly id: string;
  readonly user?: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly channels: readonly string[];
  readonly address?: string;
}

export interface UserFacts {
  readonly id: string;
  readonly connections: number;
  /** Milliseconds since 1970; 0 if none of the user's nodes has answered. */
  readonly since: number;
}

/** How much one node has. */
export interface NodeFigures {
  readonly connections: number;
  readonly users: number;
  readonly channels: number;
}

/** What one node knows and does. Questions and answers are JSON. */
export interface Questions {
  send: [{ user: string; text: string }, number];
  end: [{ user: string; code: Code; message: string }, number];
  subscribe: [{ user: string; channel: string }, number];
  unsubscribe: [{ user: string; channel: string; code: Code }, number];
  user: [{ user: string }, ConnectionFacts[]];
  users: [{ ids: readonly string[] }, UserFacts[]];
  connections: [PageOptions, ConnectionFacts[]];
  channels: [PageOptions & { pattern: string }, [channel: string, subscribers: number][]];
  figures: [object, NodeFigures];
}

export type LocalAnswers = { [Name in keyof Questions]: (data: Questions[Name][0]) => Questions[Name][1] };

/** How this node answers what any node asks. */
export function localAnswers(users: Users, channels: Channels): LocalAnswers {
  const reach = (user: string, action: (connection: UserConnection) => unknown) =>
    users.of(user).filter((connection) => action(connection) !== false).length;
  return {
    send: ({ user, text }) => {
      const data = JsonText.written(text);
      return reach(user, (connection) => connection.send(data));
    },
    end: ({ user, code, message }) => reach(user, (connection) => connection.end(code, message)),
    subscribe: ({ user, channel }) => reach(user, (connection) => connection.subscribe(channel)),
    unsubscribe: ({ user, channel, code }) => reach(user, (connection) => connection.unsubscribe(channel, code)),
    user: ({ user }) => users.of(user).map(factsOf),
    users: ({ ids }) =>
      ids.flatMap((id) => {
        const connections = users.of(id);
        const since = Math.min(...connections.map(({ since }) => since));
        return connections.length > 0 ? [{ id, connections: connections.length, since }] : [];
      }),
    connections: (page) => pageOf([...users.connections.values()], ({ id }) => id, page).map(factsOf),
    channels: ({ pattern, ...page }) => {
      const matches = isPattern(pattern) ? compilePattern(pattern) : (name: string) => name === pattern;
      return pageOf(channels.names.filter(matches), (name) => name, page).map((name) => [name, channels.countOf(name)]);
    },
    figures: () => ({
      connections: users.connections.size,
      users: users.ids.length,
      channels: channels.names.length,
    }),
  };
}

function factsOf({ id, user, since, channels, request }: UserConnection): ConnectionFacts {
  const remoteAddress = request?.remoteAddress;
  return {
    id,
    ...(user !== undefined && { user }),
    since,
    channels,
    ...(remoteAddress !== undefined && { address: remoteAddress }),
  };
}
