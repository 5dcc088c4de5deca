import type { NodeBus } from './bus.ts';
import type { Membership } from './membership.ts';
import type { NoticeBoard } from './notices.ts';
import type { EventQueues, Leading } from './queues.ts';
import type { Relay } from './relay.ts';
import type { Roster } from './roster.ts';
import type { Tickets } from './tickets.ts';

/** What a node is to others, and to operators. */
export interface NodeFacts {
  readonly id: string;
  readonly host: string;
  readonly process: number;
  /** Milliseconds since 1970, by the clock of its machine. */
  readonly started: number;
  /** What all nodes should have alike, by name, as short digests. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What only several nodes have: a single node knows all of it by itself. */
export interface Others {
  readonly bus: NodeBus;
  /** The users who are connected. */
  readonly users: Roster;
  /** The channels that have subscribers, as far as a node has added them: webhooks do. */
  readonly channels: Roster;
  readonly notices: NoticeBoard;
  readonly relay: Relay;
  readonly tickets: Tickets;
  readonly queues: EventQueues;
  /** Takes part in the choice of one node for something. Call when the nodes are open. Returns a function that ends it. */
  lead(name: string, leading: Leading): () => Promise<void>;
  /** The nodes that live, this one among them. Rejects with LOG_…. */
  nodes(): Promise<NodeFacts[]>;
}

/** The nodes that together are one cluster, as one of them sees it. The hub opens and closes it, after its broker. */
export interface Nodes {
  readonly membership: Membership;
  /** Undefined for the only node. */
  readonly others: Others | undefined;
  /** Rejects as the broker does. */
  open(): Promise<void>;
  close(): Promise<void>;
}
