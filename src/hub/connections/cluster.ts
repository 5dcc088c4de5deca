import type { Clock } from '../../clock.ts';
import type { NodeFacts, Nodes } from '../../nodes/index.ts';
import { type Code, JsonText } from '../../protocol/index.ts';
import { checkName } from '../channel-name.ts';
import type { Channels } from '../channels/channels.ts';
import { groupOf } from '../channels/presence.ts';
import type { ContractCheck } from '../contract-check.ts';
import { Calls } from './calls.ts';
import {
  type ConnectionFacts,
  type LocalAnswers,
  localAnswers,
  type NodeFigures,
  type Questions,
  type UserFacts,
} from './local-answers.ts';
import { cut, inOrder, onward, PAGE, type PageOptions, pageOf } from './paging.ts';
import type { Users } from './users.ts';

/** Whom a question is for. */
export interface Reach {
  /** Only this node; default false: all of them. */
  readonly onlyHere?: boolean | undefined;
}

/** How far an answer goes. */
export interface Answered {
  /** The nodes that did not answer in time, if any: what they have is not in the answer. */
  readonly missing?: readonly string[];
}

export interface Reached extends Answered {
  /** How many connections were concerned. */
  readonly connections: number;
}

export interface ChannelFacts {
  readonly channel: string;
  readonly subscribers: number;
  /** Distinct members on all nodes; 0 without presence. */
  readonly members: number;
}

export interface NodeState extends NodeFacts {
  /** It is the one that was asked. */
  readonly isHere: boolean;
  /** Missing if it did not answer in time. */
  readonly figures?: NodeFigures;
}

export interface ClusterParts {
  readonly nodes: Nodes;
  readonly users: Users;
  readonly channels: Channels;
  readonly clock: Clock;
  readonly contract: ContractCheck;
}

/** The users, connections and channels of all nodes. Where there is only this node, answers come at once. */
export class Cluster {
  /** What the clients of users are asked. */
  readonly calls: Calls;
  readonly #nodes: Nodes;
  readonly #users: Users;
  readonly #channels: Channels;
  readonly #local: LocalAnswers;

  constructor({ nodes, users, channels, clock, contract }: ClusterParts) {
    this.calls = new Calls({ nodes, users, clock, contract });
    this.#nodes = nodes;
    this.#users = users;
    this.#channels = channels;
    this.#local = localAnswers(users, channels);
    for (const [what, answer] of Object.entries(this.#local))
      nodes.others?.bus.answer(what, answer as (data: unknown) => unknown);
  }

  /** Sends data to each connection of a user, outside of any channel. Rejects with LOG_…, as the others do. */
  send(user: string, data: unknown, reach: Reach = {}): Promise<Reached> {
    return this.#reach('send', { user, text: JsonText.of(data ?? null).text }, reach);
  }

  /** Has each connection of a user subscribe to a channel: see `User.subscribe`. */
  async subscribe(user: string, channel: string, reach: Reach = {}): Promise<Reached> {
    checkName(channel);
    return this.#reach('subscribe', { user, channel }, reach);
  }

  /** Ends each connection of a user. */
  end(user: string, code: Code, message: string, reach: Reach = {}): Promise<Reached> {
    return this.#reach('end', { user, code, message }, reach);
  }

  /** Removes a channel from each connection of a user. */
  unsubscribe(user: string, channel: string, code: Code, reach: Reach = {}): Promise<Reached> {
    return this.#reach('unsubscribe', { user, channel, code }, reach);
  }

  /** The connections of a user. */
  async user(user: string, reach: Reach = {}): Promise<Answered & { connections: ConnectionFacts[] }> {
    const { answers, ...rest } = await this.#askOf(user, 'user', { user }, reach);
    return { connections: answers.flat(), ...rest };
  }

  /** The users who are connected, each once. */
  async users(page: PageOptions & Reach = {}): Promise<Answered & { users: UserFacts[]; next?: string }> {
    const others = page.onlyHere ? undefined : this.#nodes.others;
    const names = others ? await others.users.names() : this.#users.ids;
    const { items: ids, next } = cut(
      pageOf(names, (name) => name, onward(page)),
      page,
      (name) => name,
    );
    const { answers, ...rest } = await this.#ask('users', { ids }, page);
    const known = new Map<string, UserFacts>();
    for (const one of answers.flat()) {
      const { connections = 0, since = one.since } = known.get(one.id) ?? {};
      known.set(one.id, {
        id: one.id,
        connections: connections + one.connections,
        since: Math.min(since, one.since),
      });
    }
    return { users: ids.map((id) => known.get(id) ?? { id, connections: 0, since: 0 }), ...next, ...rest };
  }

  /** All connections, anonymous ones too. */
  async connections(
    page: PageOptions & Reach = {},
  ): Promise<Answered & { connections: ConnectionFacts[]; next?: string }> {
    const { after, limit } = onward(page);
    const { answers, ...rest } = await this.#ask('connections', { after, limit }, page);
    const all = pageOf(answers.flat(), ({ id }) => id, { limit });
    const { items, next } = cut(all, page, ({ id }) => id);
    return { connections: items, ...next, ...rest };
  }

  /** The channels with subscribers whose names match the pattern, and the function. */
  async channels(
    page: PageOptions & Reach & { pattern?: string | undefined; matches?: (channel: string) => boolean } = {},
  ): Promise<Answered & { channels: ChannelFacts[]; next?: string }> {
    const { pattern = '*', matches = () => true } = page;
    const { limit } = onward(page);
    let { after } = page;
    const found: [channel: string, subscribers: number][] = [];
    const missing = new Set<string>();
    for (let isMore = true; isMore && found.length < limit; ) {
      const asked = await this.#ask('channels', { pattern, after, limit: PAGE }, page);
      for (const node of asked.missing ?? []) missing.add(node);
      // What comes after the end of a node's full page is not known yet.
      const ends = asked.answers.flatMap((rows) => (rows.length === PAGE ? [rows.at(-1)![0]] : [])).sort(inOrder);
      const counts = new Map<string, number>();
      for (const [name, subscribers] of asked.answers.flat())
        if (ends.length === 0 || inOrder(name, ends[0]!) <= 0) counts.set(name, (counts.get(name) ?? 0) + subscribers);
      found.push(...[...counts].filter(([name]) => matches(name)).sort(([one], [other]) => inOrder(one, other)));
      after = ends[0];
      isMore = ends.length > 0;
    }
    const { items, next } = cut(found, page, ([name]) => name);
    const members = await this.#membersOf(
      items.map(([name]) => name),
      page,
    );
    return {
      channels: items.map(([channel, subscribers], at) => ({ channel, subscribers, members: members[at]! })),
      ...next,
      ...(missing.size > 0 && { missing: [...missing] }),
    };
  }

  /** The nodes that live; none where there is only this one. Rejects with LOG_…. */
  async nodes(): Promise<NodeState[]> {
    const { others } = this.#nodes;
    if (!others) return [];
    const living = await others.nodes();
    const { answers } = await others.bus.ask(
      'figures',
      {},
      living.map(({ id }) => id),
    );
    const here = others.bus.node;
    return living
      .map((facts) => {
        const figures = answers.get(facts.id) as NodeFigures | undefined;
        return { ...facts, isHere: facts.id === here, ...(figures && { figures }) };
      })
      .sort((one, other) => inOrder(one.host, other.host) || one.started - other.started);
  }

  async #membersOf(names: readonly string[], { onlyHere }: Reach): Promise<readonly number[]> {
    if (this.#nodes.others && !onlyHere) return this.#nodes.membership.counts(names.map(groupOf));
    return names.map((name) => this.#channels.get(name)?.presence?.count ?? 0);
  }

  async #reach<Name extends 'send' | 'end' | 'subscribe' | 'unsubscribe'>(
    what: Name,
    data: Questions[Name][0] & { user: string },
    reach: Reach,
  ): Promise<Reached> {
    const { answers, ...rest } = await this.#askOf(data.user, what, data, reach);
    return { connections: answers.reduce<number>((sum, count) => sum + (count as number), 0), ...rest };
  }

  /** Asks the nodes that a user is connected to. Users of the server's own tools are only known where they are. */
  async #askOf<Name extends keyof Questions>(user: string, what: Name, data: Questions[Name][0], reach: Reach) {
    const others = reach.onlyHere ? undefined : this.#nodes.others;
    const nodes = await others?.users.nodesOf(user);
    return this.#ask(what, data, reach, nodes);
  }

  async #ask<Name extends keyof Questions>(
    what: Name,
    data: Questions[Name][0],
    { onlyHere }: Reach,
    nodes?: readonly string[],
  ): Promise<Answered & { answers: Questions[Name][1][] }> {
    const local = (): Questions[Name][1] => this.#local[what](data);
    const { others } = this.#nodes;
    if (!others || onlyHere) return { answers: [local()] };
    const here = others.bus.node;
    // What this node has is known here, even when the store has not heard of it yet.
    const asked = await others.bus.ask(what, data, nodes && [here, ...nodes.filter((node) => node !== here)]);
    return {
      answers: [...asked.answers.values()] as Questions[Name][1][],
      ...(asked.missing.length > 0 && { missing: asked.missing }),
    };
  }
}
