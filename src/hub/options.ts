import type { Broker } from '../broker/index.ts';
import type { Clock } from '../clock.ts';
import type { ZocaloError } from '../errors.ts';
import type { Contract } from '../protocol/index.ts';
import type { Caller, Identity, Visitor } from './caller.ts';
import type { ChannelOptions } from './channel-options.ts';
import type { HubLimits } from './limits.ts';

/**
 * Is shown a text as it comes from a client (`in`), goes to one (`out`), or to all who hear a topic (`all`, then `who` is
 * undefined): to find out what two programs say to each other. Tokens and passwords are in it.
 */
export type Trace = (direction: 'in' | 'out' | 'all', text: string, who: Caller | undefined) => void;

export interface HubOptions<C extends Contract = Contract> {
  /** Where the logs live. The hub opens it, and closes it. */
  readonly broker: Broker;
  /** Is shown everything that is said. Default: nobody is. */
  readonly trace?: Trace | undefined;
  /**
   * Options by channel name or pattern; the most specific one counts, whole. A client may use no channel that matches
   * none of them; the program itself may (`hub.offers` tells). Default: `{ '*': {} }`.
   */
  readonly channels?: Readonly<Record<string, ChannelOptions>>;
  /**
   * Schemas of what is published, and of what methods get and answer. What does not fit is BAD_DATA; what is stored is
   * what the schema answered. The most specific name or pattern counts. Default: anything fits.
   */
  readonly contract?: C;
  /**
   * Says who a visitor is; null, or a ProtocolError thrown, turns them away. Called for each `hi`, and for each
   * renewed token, which must be of the same user. Default: everybody may come in, unknown.
   */
  readonly connect?: (visitor: Visitor) => Identity | null | Promise<Identity | null>;
  readonly limits?: HubLimits;
  /** Milliseconds for which a member who went away is still shown as here, so that a reconnect is no news. Default 5,000. */
  readonly linger?: number;
  /** Milliseconds within which a connection must say `hi`. Default 10,000. */
  readonly hiTimeout?: number;
  /** Milliseconds between the hub's pings. Default 25,000: under the 30 seconds after which some proxies cut a line. */
  readonly pingInterval?: number;
  /** Is told what failed on the server's side: a handler, a hook, the log. Default: written to standard error. */
  readonly onError?: (error: ZocaloError) => void;
  readonly clock?: Clock;
}
