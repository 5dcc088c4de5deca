import type { Broker } from '../../broker/index.ts';
import type { Clock } from '../../clock.ts';
import type { Membership } from '../../nodes/index.ts';
import type { Admit } from '../admission.ts';
import type { Channels } from '../channels/channels.ts';
import type { Edits } from '../channels/edits.ts';
import type { Pages } from '../channels/pages.ts';
import type { Patterns } from '../channels/patterns.ts';
import type { Publisher } from '../channels/publisher.ts';
import type { ChannelRules } from '../channels/rules.ts';
import type { ContractCheck } from '../contract-check.ts';
import type { InFlight } from '../in-flight.ts';
import type { HubLimits } from '../limits.ts';
import type { Methods } from '../methods.ts';
import type { Observers } from '../observer.ts';
import type { Trace } from '../options.ts';
import type { Report } from '../report.ts';
import type { ResumeTickets } from './resume-tickets.ts';
import type { Users } from './users.ts';

/** What the connections and the verbs of one hub share. */
export interface HubContext {
  readonly broker: Broker;
  /** Who is where, on all nodes. */
  readonly membership: Membership;
  readonly clock: Clock;
  readonly rules: ChannelRules;
  readonly limits: Required<HubLimits>;
  readonly hiTimeout: number;
  readonly pingInterval: number;
  readonly channels: Channels;
  readonly patterns: Patterns;
  readonly publisher: Publisher;
  readonly users: Users;
  readonly resumeTickets: ResumeTickets;
  readonly methods: Methods;
  readonly contract: ContractCheck;
  readonly observers: Observers;
  readonly pages: Pages;
  readonly edits: Edits;
  /** Texts that text connections have sent, and that may be held back. */
  readonly texts: InFlight;
  readonly admit: Admit;
  /** Gets every text in and out; undefined, and free, if tracing is off. */
  readonly trace: Trace | undefined;
  readonly report: Report;
}
