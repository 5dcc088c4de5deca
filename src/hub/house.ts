import type { Broker } from '../broker/index.ts';
import type { Clock } from '../clock.ts';
import type { Channels } from './channels.ts';
import type { InFlight } from './in-flight.ts';
import type { Methods } from './methods.ts';
import type { Observers } from './observer.ts';
import type { HubLimits, Identity, Trace, Visitor } from './options.ts';
import type { Pages } from './pages.ts';
import type { Patterns } from './patterns.ts';
import type { RuleBook } from './rules.ts';
import type { Shares } from './shares.ts';
import type { Terms } from './terms.ts';
import type { Tickets } from './tickets.ts';
import type { Users } from './users.ts';
import type { FanOuts } from './wire.ts';

/** What the parts of one hub share. */
export interface House {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly fanOuts: FanOuts;
  readonly rules: RuleBook;
  readonly limits: Required<HubLimits>;
  readonly linger: number;
  readonly hiTimeout: number;
  readonly pingInterval: number;
  readonly channels: Channels;
  readonly patterns: Patterns;
  readonly users: Users;
  readonly tickets: Tickets;
  readonly methods: Methods;
  readonly terms: Terms;
  readonly observers: Observers;
  readonly pages: Pages;
  readonly publishing: InFlight;
  /** Bytes that the members of each client address take. */
  readonly members: Shares;
  /** What text connections have handed over, and may be held back. */
  readonly texts: InFlight;
  readonly connect: (visitor: Visitor) => Identity | null | Promise<Identity | null>;
  /** Shown every text in and out; undefined, and free of cost, unless somebody looks. */
  readonly trace: Trace | undefined;
  /** Tells the hub's owner of what failed on this side: `what` begins the sentence. */
  report(what: string, cause: unknown): void;
}

/** The topic of every connection that has said `hi`. */
export const EVERYONE = 'everyone';
