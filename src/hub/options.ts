import type { Broker } from '../broker/index.ts';
import type { Clock } from '../clock.ts';
import type { ZocaloError } from '../errors.ts';
import type { Contract } from '../protocol/index.ts';
import type { Caller, Identity, Visitor } from './caller.ts';
import type { ChannelOptions } from './channel-options.ts';
import type { HubLimits } from './limits.ts';

/**
 * Gets each text from a client (`in`), to a client (`out`), or to all subscribers of a topic (`all`, with `who`
 * undefined), to see what two programs send each other. It includes tokens and passwords.
 */
export type Trace = (direction: 'in' | 'out' | 'all', text: string, who: Caller | undefined) => void;

export interface HubOptions<C extends Contract = Contract> {
  /** Stores the logs. The hub opens and closes it. */
  readonly broker: Broker;
  /** Gets every text in and out. Default: none. */
  readonly trace?: Trace | undefined;
  /**
   * Options by channel name or pattern; the most specific entry applies, as a whole. Clients may only use channels that
   * match an entry; the program itself may use any (see `hub.offers`). Default: `{ '*': {} }`.
   */
  readonly channels?: Readonly<Record<string, ChannelOptions>>;
  /**
   * Schemas of publications, and of methods' arguments and results. Invalid data is BAD_DATA; the schema's output is
   * stored. The most specific name or pattern applies. Default: any data is valid.
   */
  readonly contract?: C;
  /**
   * Identifies a visitor; null, or a ProtocolError that it throws, refuses them. Called for each `hi`, and for each
   * renewed token, which must belong to the same user. Default: everybody is accepted, anonymously.
   */
  readonly connect?: (visitor: Visitor) => Identity | null | Promise<Identity | null>;
  readonly limits?: HubLimits;
  /**
   * Milliseconds for which a member whose connection was lost is still shown, so that a reconnect causes no events.
   * Default 5,000.
   */
  readonly linger?: number;
  /** Milliseconds within which a connection must send `hi`. Default 10,000. */
  readonly hiTimeout?: number;
  /**
   * Milliseconds between the hub's pings. Default 25,000: under the 30 seconds after which some proxies close a silent
   * connection.
   */
  readonly pingInterval?: number;
  /** Called with failures on the server's side: of a handler, a hook, the log. Default: printed to standard error. */
  readonly onError?: (error: ZocaloError) => void;
  readonly clock?: Clock;
}
