import type { Broker } from '../broker/index.ts';
import type { Clock } from '../clock.ts';
import { ZocaloError } from '../errors.ts';
import type { Nodes } from '../nodes/index.ts';
import { checkNames, type OptionNames } from '../option-names.ts';
import type { ChannelInput, ChannelOutput, Contract } from '../protocol/index.ts';
import type { Caller, Identity, Visitor } from './caller.ts';
import type { ChannelOptions } from './channel-options.ts';
import { type HubLimits, LIMIT_DEFAULTS } from './limits.ts';

/**
 * Gets each text from a client (`in`), to a client (`out`), or to all subscribers of a topic (`all`, with `who`
 * undefined), to see what two programs send each other. It includes tokens and passwords.
 */
export type Trace = (direction: 'in' | 'out' | 'all', text: string, who: Caller | undefined) => void;

/** Any other name. Not `string`, which would take up the names of the contract. */
type Other = string & {};

/** By name or pattern; the data of those that the contract names has its types. */
type ChannelsOption<C extends Contract> = {
  readonly [Name in (keyof C['channels'] & string) | Other]?: unknown extends ChannelOutput<C, Name>
    ? ChannelOptions
    : ChannelOptions<ChannelOutput<C, Name>, ChannelInput<C, Name>>;
};

export interface HubOptions<C extends Contract = Contract> {
  /** Stores the logs. The hub opens and closes it. */
  readonly broker: Broker;
  /** The other nodes, if the broker has several. The hub opens and closes it. Default: this is the only one. */
  readonly nodes?: Nodes;
  /** Gets every text in and out. Default: none. */
  readonly trace?: Trace | undefined;
  /**
   * Options by channel name or pattern; the most specific entry applies, as a whole. Clients may only use channels that
   * match an entry; the program itself may use any (see `hub.offers`). Default: `{ '*': {} }`.
   */
  readonly channels?: ChannelsOption<NoInfer<C>>;
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

const NAMES: OptionNames<HubOptions> = {
  broker: true,
  nodes: true,
  trace: true,
  channels: true,
  contract: true,
  connect: true,
  limits: true,
  linger: true,
  hiTimeout: true,
  pingInterval: true,
  onError: true,
  clock: true,
};

/** @throws ZocaloError BAD_OPTION for an option or a limit that there is not. Channels are checked with their rules. */
export function checkOptionNames(options: HubOptions): void {
  checkNames(options, NAMES, 'of the hub');
  if (options.broker === undefined)
    throw new ZocaloError('BAD_OPTION', 'a hub needs a broker, which keeps the log of its channels', {
      advice: "give memory(), or sqlite('square.db')",
    });
  checkNames(options.limits ?? {}, LIMIT_DEFAULTS, 'among the limits of the hub');
}
